# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Help texts and usage errors, whole.
. "$(dirname "$0")/lib.sh"

{
    run
    run --version
    run --help
    for command in train eval predict inspect units gate sae plot fetch reproduce bench estimate compare settings; do run help $command; done
} | compare help

must 0 "$tool" train --help
cp .out long
must 0 "$tool" help train
cmp .out long || fail "'weir train --help' and 'weir help train' differ"

{
    run trian
    run --verison
    run help trian
    run train
    run train --resume
    run train digits mnist-paper
    run train digits --epoks 3
    run train digits --epochs
    run train digits --epochs three
    run train digits --epochs=-1
    run train digits --seed 99999999999999999999
    run train digits --threads 0
    run train digits --json=yes
    run train digits --set epochs
    run train digits --se 3
    run train digits -x
    run train digits --resume --force
    run eval
    run eval runs/none
    run eval runs/none --part tset
    run predict runs/none
    run predict runs/none --json --csv rows.csv
    run predict runs/none - -
    run units nothing
    run plot
    run plot runs --text --png
    run plot runs
    run fetch
    run fetch minst
    run bench
    run bench gatet
    run bench gated machine
    run bench gated --batch 1,,2
    run bench gated --batch 1,0
    run bench gated --share 0.1,1.5
    run bench gated --precision fp16
    run bench gated --sides three
    run bench gated --n 32 --block 64
    run bench gated --inputs 64 --outputs 128 --stack 2
    run bench gated --warm --cold
    run bench gated --seconds soon
    run bench gated --json --figure here
    run bench gated --pass sideways
    run bench gated --peer=nowhere.py
    run bench gated --peer
    run fetch cifar-10
    run estimate
    run estimate exactnes
    run estimate exactness toy
    run estimate throughput --peer=nowhere.py
    run estimate exactness --draws many
    run estimate exactness --draws 10
    run estimate exactness --rules rlo
    run estimate exactness --rules rloo:samples=1,disarm
    run estimate exactness --rules ,
    run estimate exactness --json --markdown
    run estimate toy --steps 150
} | compare usage
[ "$(ls | tr '\n' ' ')" = "long small.yaml " ] || fail "a wrong call left files: $(ls)"
