//! Completions, in the shells that they are for.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use spiped_tests::Lab;

use super::folder;

/// What is typed, and all that each shell offers then.
const LINES: &[(&str, &[&str])] = &[
    (
        "spiped ",
        &[
            "check",
            "convert",
            "drop",
            "fingerprint",
            "keygen",
            "list",
            "log-level",
            "pair",
            "reload",
            "status",
            "upgrade",
        ],
    ),
    ("spiped --keep", &["--keep-alive-count", "--keep-alive-idle", "--keep-alive-interval"]),
    ("spiped -d --kex ", &["modp2048", "x25519"]),
    ("spiped -e -k ap", &["app1.key"]),
    ("spiped pair --", &["--code", "--connect", "--help", "--listen", "--new-code"]),
    ("spiped pair ap", &["app1.key"]),
    ("spiped status ap", &[]),
    ("spiped -t ap", &[]),
    ("spiped check --pe", &["--peer"]),
    ("spiped check --proxy-to ", &["v1", "v2"]),
    ("spiped log-level ", &["debug", "error", "info", "warn"]),
    ("spiped status --w", &["--watch"]),
    ("spipe --pro", &["--progress"]),
    ("spipe --log-format ", &["json", "text"]),
];

/// Splits words at spaces, as bash does before it calls the function.
const BASH: &str = r#"
set -u
. "$1/${2%% *}.bash"
COMP_WORDS=($2)
[[ $2 != *' ' ]] || COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_${COMP_WORDS[0]}
printf '%s\n' "${COMPREPLY[@]}"
"#;

const FISH: &str = r"
source $argv[1]/(string split ' ' -- $argv[2])[1].fish
complete -C $argv[2] | string split -f 1 \t
";

/// zsh completes only for a user at a terminal. What it would show goes to a file.
const ZSH: &str = r#"
cat >.zshrc <<'END'
fpath=($FOLDER $fpath)
autoload -Uz compinit && compinit -d $ZDOTDIR/functions -u
compadd() {
    if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
        builtin compadd "$@"
        return
    fi
    local -a found
    builtin compadd -A found "$@"
    print -rl -- $found >>offered
    builtin compadd "$@"
}
comppostfuncs=(exit)
bindkey "^I" complete-word
PS1=READY
END
: >offered
zmodload zsh/zpty
export FOLDER=$1 ZDOTDIR=$PWD
zpty shell zsh -d -i
zpty -r shell line '*READY*'
zpty -w -n shell "$2"$'\t'
while zpty -r shell line 2>/dev/null; do :; done
cat offered
"#;

#[test]
fn bash_offers_what_can_be_typed() {
    let bash = Shell::new(&["bash", "--norc", "-c", BASH, "bash"]);
    bash.offers(LINES);
    // The equals sign is a word of its own there.
    bash.offers(&[
        ("spiped --kex = x", &["x25519"]),
        ("spiped --key = ap", &["app1.key"]),
        ("spiped -d -k app1 = ap", &["app1.key"]),
        ("spiped -d --key = app1 = ap", &["app1.key"]),
        ("spiped -d -k app1 =", &["app1.key"]),
    ]);
}

#[test]
fn fish_offers_what_can_be_typed() {
    Shell::new(&["fish", "--no-config", "-c", FISH]).offers(LINES);
}

#[test]
fn zsh_offers_what_can_be_typed() {
    Shell::new(&["zsh", "-f", "-c", ZSH, "zsh"]).offers(LINES);
}

/// A shell in a folder with one key.
struct Shell<'a> {
    lab: Lab,
    command: &'a [&'a str],
}

impl<'a> Shell<'a> {
    fn new(command: &'a [&'a str]) -> Self {
        let lab = Lab::new();
        fs::create_dir(lab.path("here")).unwrap();
        fs::write(lab.path("here/app1.key"), "").unwrap();
        Self { lab, command }
    }

    #[track_caller]
    fn offers(&self, lines: &[(&str, &[&str])]) {
        let here = self.lab.path("here");
        for (line, offered) in lines {
            let mut command = Command::new("timeout");
            command.arg("20").args(self.command).arg(folder("completions")).arg(line);
            let output = command.current_dir(&here).env("HOME", &here).output().unwrap();
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(errors.is_empty(), "{line}: {errors}");
            let words = String::from_utf8(output.stdout).unwrap();
            let words: BTreeSet<_> = words.split_whitespace().collect();
            assert_eq!(Vec::from_iter(words), *offered, "{line}");
        }
    }
}
