# bash completion for spiped. Written by make manual.
_spiped() {
    local cur=${COMP_WORDS[COMP_CWORD]} before=$((COMP_CWORD - 1))
    local command= options= words= files=
    [[ $COMP_CWORD == 1 ]] || command=${COMP_WORDS[1]}
    [[ $COMP_CWORD == 1 ]] && words='keygen fingerprint pair check convert status list drop reload upgrade log-level'
    # --option=value is three words here, and so is the value NAME=FILE.
    [[ $cur != = ]] || cur= before=$COMP_CWORD
    while [[ $before -gt 0 && ${COMP_WORDS[before]} == = ]]; do
        before=$((before - 1))
        [[ ${COMP_WORDS[before]} == -* ]] || before=$((before - 1))
    done
    local prev=${COMP_WORDS[before]}
    case $command in
    keygen)
        options='--help'
        files=1
        ;;
    fingerprint)
        options='--help'
        files=1
        ;;
    pair)
        options='--listen --connect --code --new-code -o --help'
        files=1
        case $prev in
        --listen | --connect | --code | -o) options= words= files= ;;
        esac
        ;;
    check)
        options='--peer --json -e --encrypt -d --decrypt -s --source -t --target -k --key --balance -b --bind -f --omit-forward-secrecy -g --require-forward-secrecy --kex -j --no-keep-alive --keep-alive-idle --keep-alive-interval --keep-alive-count --user-timeout -n --max-connections -o --timeout --idle-timeout --half-closed-timeout -r --resolve-period -R -D --wait-for-dns --connections-per-key --handshakes --handshakes-per-source --allow --proxy-from --proxy-to --close-revoked --strict-keys --socket-mode --socket-owner --config -F --foreground -p --pid-file -u --user --control --metrics --drain --program --memory --threads --strict --syslog --log-level --log-format -v --version --help'
        files=1
        case $prev in
        -s | --source | -t | --target | -b | --bind | --keep-alive-idle | --keep-alive-interval | --keep-alive-count | --user-timeout | -n | --max-connections | -o | --timeout | --idle-timeout | --half-closed-timeout | -r | --resolve-period | --connections-per-key | --handshakes | --handshakes-per-source | --allow | --proxy-from | --socket-mode | --socket-owner | -u | --user | --metrics | --drain | --memory | --threads) options= words= files= ;;
        -k | --key | --config | -p | --pid-file | --control | --program) options= words= files=1 ;;
        --balance) options= words='in-order spread' files= ;;
        --kex) options= words='modp2048 x25519' files= ;;
        --proxy-to) options= words='v1 v2' files= ;;
        --log-level) options= words='error warn info debug' files= ;;
        --log-format) options= words='text json' files= ;;
        esac
        ;;
    convert)
        options='--help'
        files=1
        ;;
    status)
        options='--watch --json --control --help'
        case $prev in
        --control) options= words= files=1 ;;
        esac
        ;;
    list)
        options='--json --control --help'
        case $prev in
        --control) options= words= files=1 ;;
        esac
        ;;
    drop)
        options='--control --help'
        case $prev in
        --control) options= words= files=1 ;;
        esac
        ;;
    reload)
        options='--dry-run --control --help'
        case $prev in
        --control) options= words= files=1 ;;
        esac
        ;;
    upgrade)
        options='--check --control --help'
        case $prev in
        --control) options= words= files=1 ;;
        esac
        ;;
    log-level)
        options='--control --help'
        words='error warn info debug'
        case $prev in
        --control) options= words= files=1 ;;
        esac
        ;;
    *)
        options='-e --encrypt -d --decrypt -s --source -t --target -k --key --balance -b --bind -f --omit-forward-secrecy -g --require-forward-secrecy --kex -j --no-keep-alive --keep-alive-idle --keep-alive-interval --keep-alive-count --user-timeout -n --max-connections -o --timeout --idle-timeout --half-closed-timeout -r --resolve-period -R -D --wait-for-dns --connections-per-key --handshakes --handshakes-per-source --allow --proxy-from --proxy-to --close-revoked --strict-keys --socket-mode --socket-owner --config -F --foreground -p --pid-file -u --user --control --metrics --drain --program --memory --threads --strict --syslog --log-level --log-format -v --version --help'
        case $prev in
        -s | --source | -t | --target | -b | --bind | --keep-alive-idle | --keep-alive-interval | --keep-alive-count | --user-timeout | -n | --max-connections | -o | --timeout | --idle-timeout | --half-closed-timeout | -r | --resolve-period | --connections-per-key | --handshakes | --handshakes-per-source | --allow | --proxy-from | --socket-mode | --socket-owner | -u | --user | --metrics | --drain | --memory | --threads) options= words= files= ;;
        -k | --key | --config | -p | --pid-file | --control | --program) options= words= files=1 ;;
        --balance) options= words='in-order spread' files= ;;
        --kex) options= words='modp2048 x25519' files= ;;
        --proxy-to) options= words='v1 v2' files= ;;
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
complete -F _spiped spiped
