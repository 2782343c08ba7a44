# bash completion for spipe. Written by make manual.
_spipe() {
    local cur=${COMP_WORDS[COMP_CWORD]} before=$((COMP_CWORD - 1))
    local command= options= words= files=
    [[ $COMP_CWORD == 1 ]] || command=${COMP_WORDS[1]}
    # --option=value is three words here, and so is the value NAME=FILE.
    [[ $cur != = ]] || cur= before=$COMP_CWORD
    while [[ $before -gt 0 && ${COMP_WORDS[before]} == = ]]; do
        before=$((before - 1))
        [[ ${COMP_WORDS[before]} == -* ]] || before=$((before - 1))
    done
    local prev=${COMP_WORDS[before]}
    case $command in
    *)
        options='-t --target -k --key -b --bind -f --omit-forward-secrecy -g --require-forward-secrecy --kex -j --no-keep-alive --keep-alive-idle --keep-alive-interval --keep-alive-count --user-timeout -o --timeout --idle-timeout --half-closed-timeout --progress --strict-keys --strict --log-level --log-format -v --version --help'
        case $prev in
        -t | --target | -b | --bind | --keep-alive-idle | --keep-alive-interval | --keep-alive-count | --user-timeout | -o | --timeout | --idle-timeout | --half-closed-timeout) options= words= files= ;;
        -k | --key) options= words= files=1 ;;
        --kex) options= words='modp2048 x25519' files= ;;
        --log-level) options= words='error warn info debug' files= ;;
        --log-format) options= words='text json' files= ;;
        esac
        ;;
    esac
    [[ $cur == -* ]] || options=
    mapfile -t COMPREPLY < <(
        compgen -W "$options $words" -- "$cur"
        [[ -z $files ]] || compgen -f -- "$cur"
    )
    [[ -z $files ]] || compopt -o filenames 2>/dev/null
}
complete -F _spipe spipe
