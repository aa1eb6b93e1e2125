# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Completion of weir for bash: commands, their options, and what is built in. All of it is asked of the tool itself,
# so that this file cannot fall behind.

# Words that begin the indented lines of the section of a help text: _weir_section HEADING ARGUMENTS-OF-WEIR…
# Words in capitals (EXPERIMENT/ROW, network.NODE.size) stand for others and are left out.
_weir_section() {
    local heading=$1
    shift
    "$weir" "$@" 2>/dev/null | sed -n "/^$heading/,/^\$/s/^  \([a-zA-Z0-9-][^ ]*\).*/\1/p" | sed '/[A-Z]/d' || true
}

# What the option $2 of the command $1 takes, as its help names it: N, DIR, …; nothing where it takes none.
_weir_argument() {
    [[ $2 == --?* ]] || return
    "$weir" "$1" --help 2>/dev/null | sed -n "s/^  $2 \([^ ]\+\).*/\1/p" || true
}

_weir_rules() { "$weir" units --markdown 2>/dev/null | sed -n 's/^| `\([^`]*\)`.*/\1/p' || true; }

_weir_rows() { # rows and parts of all experiments
    "$weir" reproduce --help 2>/dev/null |
        sed -n '/^Parts and/,/^$/{ s/^    \([^ ]\)/\1/p; s/^  \([^ ]*\)  .*/\1/p }' || true
}

_weir() {
    local weir=${COMP_WORDS[0]} current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local command=${COMP_WORDS[1]} words= argument=
    weir=${weir/#\~/$HOME}
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        words="$(_weir_section Commands: --help) --help --version"
    elif [[ $current == -* ]]; then
        words=$(_weir_section Options: "$command" --help)
    elif argument=$(_weir_argument "$command" "$previous") && [[ -n $argument ]]; then
        case $argument in
        DIR | RUN) # folders
            mapfile -t COMPREPLY < <(compgen -d -- "$current")
            return
            ;;
        NAME) words=$(_weir_rows) ;;
        PART) words="train valid test" ;;
        PASS) words="forward backward train all" ;;
        P) words="fp32 bf16" ;;
        FORM) words="topk batch-topk jumprelu gated" ;;
        U) words="exact lazy" ;;
        S) words="fp32 int8 int8-likely" ;;
        HOW) words="co-activation order random" ;;
        RULE | LIST)
            case $previous in
            --rule*) words=$(_weir_rules) ;;
            --precision) words="fp32 bf16" ;;
            --sides) words="one two" ;;
            esac
            ;;
        KEY=VALUE | KEY=LIST) words=$(_weir_section Settings: help settings | sed 's/$/=/') ;;
        esac
    else
        case $command:$previous in
        train:* | inspect:* | compare:*) words=$(_weir_section Built-in train --help) ;;
        reproduce:reproduce) words=$(_weir_section Experiments: reproduce --help) ;;
        reproduce:*) words=$(_weir_rows) ;;
        units:*) words=$(_weir_rules) ;;
        bench:bench) words="gated machine plan" ;;
        estimate:estimate) words="exactness toy variance throughput" ;;
        estimate:*) words=$(_weir_section Built-in train --help) ;;
        sae:sae) words="train report" ;;
        sae:*) words=digits ;;
        fetch:*) words=$(_weir_section 'Data sets:' fetch --help) ;;
        help:help) words="$(_weir_section Commands: --help) settings" ;;
        esac
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

# Where nothing of weir's fits, names of files.
complete -o default -F _weir weir
