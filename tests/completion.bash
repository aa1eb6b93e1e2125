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
expect straight-through reproduce bengio2013 --row st
expect gated bench g
expect --share bench gated --sh
expect exactness estimate e
expect disarm estimate exactness --rules dis
