# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Completion of weir for bash: commands, their options, and what is built in. All of it is asked of the tool itself,
# so that this file cannot fall behind.

# Words that begin the indented lines of the section of a help text: _weir_section HEADING ARGUMENTS-OF-WEIR…
_weir_section() {
    local heading=$1
    shift
    "$weir" "$@" 2>/dev/null | sed -n "/^$heading/,/^\$/s/^  \([a-zA-Z0-9-][^ ]*\).*/\1/p"
}

_weir() {
    local weir=${COMP_WORDS[0]} current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local command=${COMP_WORDS[1]} words=
    weir=${weir/#\~/$HOME}
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        words="$(_weir_section Commands: --help) --help --version"
    elif [[ $current == -* ]]; then
        words=$(_weir_section Options: "$command" --help)
    else
        case $command:$previous in
        *:--out | *:--data) # folders
            mapfile -t COMPREPLY < <(compgen -d -- "$current")
            return
            ;;
        *:--part) words="train valid test" ;;
        *:--rule | *:--rules) words=$("$weir" units --markdown 2>/dev/null | sed -n 's/^| `\([^`]*\)`.*/\1/p') ;;
        train:* | inspect:*) words=$(_weir_section Built-in train --help) ;;
        reproduce:reproduce) words=$(_weir_section Experiments: reproduce --help) ;;
        reproduce:*)
            words=$("$weir" reproduce --help 2>/dev/null |
                sed -n '/^Parts and/,/^$/{ s/^    \([^ ]\)/\1/p; s/^  \([^ ]*\)  .*/\1/p }')
            ;;
        units:*) words=$("$weir" units --markdown 2>/dev/null | sed -n 's/^| `\([^`]*\)`.*/\1/p') ;;
        bench:*) words="gated machine plan" ;;
        estimate:*) words="exactness toy variance throughput $(_weir_section Built-in train --help)" ;;
        fetch:*) words=$(_weir_section 'Data sets:' fetch --help) ;;
        help:*) words="$(_weir_section Commands: --help) settings" ;;
        esac
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

# Where nothing of weir's fits, names of files.
complete -o default -F _weir weir
