//! For bash, with nothing but what bash has itself.

use std::fmt::Write as _;

use super::{Flag, Grammar, Takes};

pub(super) fn completion(grammar: &Grammar) -> String {
    let name = grammar.name;
    let mut cases = String::new();
    for command in &grammar.commands {
        let more: &[Flag] = if command.takes_options { &grammar.options } else { &[] };
        let options: Vec<_> = command.options.iter().chain(more).collect();
        cases += &case(command.name, &options, &command.operand);
    }
    let commands: Vec<_> = grammar.commands.iter().map(|command| command.name).collect();
    let options: Vec<_> = grammar.options.iter().collect();
    cases += &case("*", &options, &Takes::Nothing);
    let first = match &commands[..] {
        [] => String::new(),
        commands => format!("    [[ $COMP_CWORD == 1 ]] && words='{}'\n", commands.join(" ")),
    };
    format!(
        "# bash completion for {name}. Written by make manual.\n\
         _{name}() {{\n\
         \x20   local cur=${{COMP_WORDS[COMP_CWORD]}} before=$((COMP_CWORD - 1))\n\
         \x20   local command= options= words= files=\n\
         \x20   [[ $COMP_CWORD == 1 ]] || command=${{COMP_WORDS[1]}}\n\
         {first}\
         \x20   # --option=value is three words here, and so is the value NAME=FILE.\n\
         \x20   [[ $cur != = ]] || cur= before=$COMP_CWORD\n\
         \x20   while [[ $before -gt 0 && ${{COMP_WORDS[before]}} == = ]]; do\n\
         \x20       before=$((before - 1))\n\
         \x20       [[ ${{COMP_WORDS[before]}} == -* ]] || before=$((before - 1))\n\
         \x20   done\n\
         \x20   local prev=${{COMP_WORDS[before]}}\n\
         \x20   case $command in\n\
         {cases}\
         \x20   esac\n\
         \x20   [[ $cur == -* ]] || options=\n\
         \x20   mapfile -t COMPREPLY < <(\n\
         \x20       compgen -W \"$options $words\" -- \"$cur\"\n\
         \x20       [[ -z $files ]] || compgen -f -- \"$cur\"\n\
         \x20   )\n\
         \x20   [[ -z $files ]] || compopt -o filenames 2>/dev/null\n\
         }}\n\
         complete -F _{name} {name}\n"
    )
}

/// What follows a command, or no command.
fn case(command: &str, options: &[&Flag], operand: &Takes) -> String {
    let spellings: Vec<_> = options.iter().flat_map(|option| option.spellings()).collect();
    let mut text = format!("    {command})\n        options='{}'\n", spellings.join(" "));
    match operand {
        Takes::Nothing | Takes::Text => {}
        Takes::File => text += "        files=1\n",
        Takes::Words(words) => _ = writeln!(text, "        words='{}'", words.join(" ")),
    }
    let mut values: Vec<(&Takes, Vec<String>)> = Vec::new();
    for option in options.iter().filter(|option| option.takes != Takes::Nothing) {
        match values.iter_mut().find(|(takes, _)| **takes == option.takes) {
            Some((_, spellings)) => spellings.extend(option.spellings()),
            None => values.push((&option.takes, option.spellings())),
        }
    }
    if !values.is_empty() {
        text += "        case $prev in\n";
        for (takes, spellings) in values {
            let then = match takes {
                Takes::File => "words= files=1".to_owned(),
                Takes::Words(words) => format!("words='{}' files=", words.join(" ")),
                Takes::Nothing | Takes::Text => "words= files=".to_owned(),
            };
            let spellings = spellings.join(" | ");
            _ = writeln!(text, "        {spellings}) options= {then} ;;");
        }
        text += "        esac\n";
    }
    text + "        ;;\n"
}
