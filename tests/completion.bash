#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# The installed completion offers what the installed tool has. Usage: tests/completion.bash PREFIX (see install.sh)
set -euo pipefail
source "$1/share/bash-completion/completions/weir"

# expect WORD LINE…: after typing LINE (its last word as far as it is typed), WORD is among what is offered.
expect() {
    local wanted=$1
    shift
    COMP_WORDS=("$tool" "$@")
    COMP_CWORD=$#
    _weir
    local word
    for word in "${COMPREPLY[@]}"; do
        [[ $word == "$wanted" ]] && return
    done
    echo "weir $*: offers '${COMPREPLY[*]}', not $wanted"
    exit 1
}

# never LINE…: what is offered holds no word in capitals: those stand for others.
never() {
    COMP_WORDS=("$tool" "$@")
    COMP_CWORD=$#
    _weir
    local word
    for word in "${COMPREPLY[@]}"; do
        [[ $word == *[A-Z]* ]] || continue
        echo "weir $*: offers $word"
        exit 1
    done
}

# nothing LINE…: nothing is offered, for example where a number is due.
nothing() {
    COMP_WORDS=("$tool" "$@")
    COMP_CWORD=$#
    _weir
    [[ ${#COMPREPLY[@]} == 0 ]] && return
    echo "weir $*: offers '${COMPREPLY[*]}'"
    exit 1
}

tool=$1/bin/weir
expect train ''
expect --version --v
expect --epochs train --e
expect --json predict model --
expect digits train d
expect mnist-blocks train mnist
expect mnist-blocks inspect mnist-b
expect mnist fetch ''
expect straight-through units st
expect straight-through train digits --rule straight
expect test eval runs/digits --part t
expect fetch help f
expect bengio2013 reproduce ''
expect digits compare dig
expect reinmax compare digits --rules rein
expect train.batch= compare digits --vary train.ba
expect straight-through reproduce bengio2013 --row st
expect gated bench g
expect --share bench gated --sh
expect exactness estimate e
expect disarm estimate exactness --rules dis
expect bf16 train --precision b
expect forward bench gated --pass f
expect jumprelu sae train --form j
expect report sae r
expect train.optimizer.rate= train digits --set train.optimizer.r
for command in '' train eval predict inspect units gate sae plot fetch reproduce bench estimate compare help; do
    never $command ''
    never $command -
done
never train digits --set ''
nothing train digits --epochs ''
nothing bench gated --batch ''
