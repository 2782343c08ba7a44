//! From text to transcripts, strictly: what the format does not say is an
//! error, at the line it is in. Answers are not read, but compared as text.

use std::iter::Peekable;
use std::vec;

use super::bytes::parse_exact;
use super::words::{client_config, server_config};
use super::{Fault, Part, Step, Transcript};
use crate::{Call, Ingredients};

pub(super) fn transcript(text: &str) -> Result<Transcript, Fault> {
    let mut lines = Lines::new(text);
    let mut parts = Vec::new();
    while let Some((line, name)) = lines.next_unless(|_| false) {
        parts.push(part(&mut lines, line, name)?);
    }
    Ok(Transcript { parts })
}

fn part(lines: &mut Lines<'_>, line: usize, name: &str) -> Result<Part, Fault> {
    let ingredients = ingredients(lines, line, name)?;
    let made = answer(lines)?;
    let mut steps = Vec::new();
    while let Some((line, text)) = lines.next_unless(|text| PARTS.contains(&text)) {
        let call = call(&ingredients, text).map_err(|message| Fault { line, message })?;
        steps.push(Step { line, call, answer: answer(lines)? });
    }
    Ok(Part { line, ingredients, answer: made, steps })
}

/// What begins a part.
const PARTS: [&str; 4] = ["connect", "acceptor", "accept", "resume"];

fn ingredients(lines: &mut Lines<'_>, line: usize, part: &str) -> Result<Ingredients, Fault> {
    match part {
        "connect" => Ok(Ingredients::Connect {
            config: lines.take("config: ", client_config)?,
            psk: lines.take("psk: ", parse_exact)?,
            entropy: lines.take("entropy: ", parse_exact)?,
        }),
        "acceptor" => {
            let config = lines.take("config: ", server_config)?;
            let mut psks = Vec::new();
            while let Some(psk) = lines.take_if("psk: ", parse_exact)? {
                psks.push(psk);
            }
            let our_nonce = lines.take("our-nonce: ", parse_exact)?;
            Ok(Ingredients::Acceptor { config, psks, our_nonce })
        }
        "accept" => Ok(Ingredients::Accept {
            config: lines.take("config: ", server_config)?,
            our_nonce: lines.take("our-nonce: ", parse_exact)?,
            hello: lines.take("hello: ", parse_exact)?,
            psk: lines.take("psk: ", parse_exact)?,
            entropy: lines.take("entropy: ", parse_exact)?,
        }),
        "resume" => Ok(Ingredients::Resume { state: lines.take("state: ", parse_exact)? }),
        other => Err(Fault { line, message: format!("not the name of a part: {other}") }),
    }
}

/// A call that goes with what the part is about.
fn call(ingredients: &Ingredients, line: &str) -> Result<Call, String> {
    let (name, bytes) = match line.split_once(' ') {
        Some((name, bytes)) => (name, Some(parse_exact(bytes)?)),
        None => (line, None),
    };
    let of_acceptor = matches!(ingredients, Ingredients::Acceptor { .. });
    match (of_acceptor, name, bytes) {
        (true, "identify", Some(bytes)) => Ok(Call::Identify(bytes)),
        (true, "fault-at-eof", None) => Ok(Call::FaultAtEof),
        (false, "start", None) => Ok(Call::Start),
        (false, "compute", None) => Ok(Call::Compute),
        (false, "crypt", Some(bytes)) => Ok(Call::Crypt(bytes)),
        (false, "plain", Some(bytes)) => Ok(Call::Plain(bytes)),
        (false, "crypt-eof", None) => Ok(Call::CryptEof),
        (false, "plain-eof", None) => Ok(Call::PlainEof),
        (false, "psk-id", None) => Ok(Call::PskId),
        (false, "suspend", None) => Ok(Call::Suspend),
        _ => Err(format!("not a call here: {line}")),
    }
}

/// The lines of an answer, as they are.
fn answer(lines: &mut Lines<'_>) -> Result<String, Fault> {
    let mut answer = String::new();
    for prefix in ["> crypt ", "> plain "] {
        if let Some(line) = lines.take_if(prefix, |rest| Ok(format!("{prefix}{rest}\n")))? {
            answer += &line;
        }
    }
    answer += &lines.take("= ", |rest| Ok(format!("= {rest}\n")))?;
    Ok(answer)
}

/// The lines that say something, with their numbers.
struct Lines<'a> {
    lines: Peekable<vec::IntoIter<(usize, &'a str)>>,
    /// The number of the line taken last.
    last: usize,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        let lines = (1..).zip(text.split('\n'));
        let says = |(_, line): &(_, &str)| !line.is_empty() && !line.starts_with('#');
        let lines: Vec<_> = lines.filter(says).collect();
        Self { lines: lines.into_iter().peekable(), last: 1 }
    }

    /// Takes the next line unless there is none, or one that this wants left.
    fn next_unless(&mut self, left: impl FnOnce(&str) -> bool) -> Option<(usize, &'a str)> {
        let next = self.lines.next_if(|(_, text)| !left(text))?;
        self.last = next.0;
        Some(next)
    }

    /// Takes the next line if it begins like this, and reads the rest of it.
    fn take_if<T>(
        &mut self,
        prefix: &str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Fault> {
        let Some((line, text)) = self.next_unless(|text| !text.starts_with(prefix)) else {
            return Ok(None);
        };
        let value = read(&text[prefix.len()..]);
        value.map(Some).map_err(|message| Fault { line, message })
    }

    /// Takes the next line, which has to begin like this.
    fn take<T>(
        &mut self,
        prefix: &str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, Fault> {
        if let Some(value) = self.take_if(prefix, read)? {
            return Ok(value);
        }
        let (line, text) = self.lines.peek().copied().unwrap_or((self.last, "the end"));
        Err(Fault { line, message: format!("{prefix:?} must follow here, not: {text}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str =
        "# about\nconnect\nconfig: modp2048 omit\npsk: 32*61\nentropy: -\n= made\n";

    fn fault(calls: &str) -> String {
        transcript(&format!("{HEADER}{calls}")).unwrap_err().to_string()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = "\
            acceptor\nconfig: any offer\npsk: 32*61\npsk: 4*0001\nour-nonce: 32*07\n= made\n\n\
            identify -\n= more 32\n\n\
            identify 0102\n= authenticated 1 x25519 96\n\n\
            fault-at-eof\n= fault wrong-key\n\n\
            accept\nconfig: modp2048 require\nour-nonce: -\nhello: 01\npsk: 02\nentropy: 03\n\
            = failed misuse hello-length\n\n\
            connect\nconfig: x25519\npsk: 02\nentropy: 03\n= made\n\n\
            start\n> crypt 0102\n= handshaking\n\n\
            crypt -\n> crypt 5@8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4\n\
            > plain 1060*00\n= failed peer bad-length 18446744073709551615 1025\n\n\
            plain 61\n= failed peer forged-packet 7\n\n\
            psk-id\n= none\n\n\
            suspend\n= state 6*abcd\n\n\
            resume\nstate: 6*abcd\n= failed misuse bad-state\n";
        assert_eq!(transcript(text).unwrap().to_string(), text);
    }

    #[test]
    fn what_the_format_does_not_say_is_refused_at_its_line() {
        for (calls, expected) in [
            ("begin\n", "7: not a call here: begin"),
            ("identify 00\n", "7: not a call here: identify 00"),
            ("start 00\n", "7: not a call here: start 00"),
            ("start", "7: \"= \" must follow here, not: the end"),
            ("\nstart\n# more\nstart\n", "10: \"= \" must follow here, not: start"),
            ("start\n> plain 00\n> crypt 00\n", "9: \"= \" must follow here, not: > crypt 00"),
            ("crypt AB\n", "7: not bytes in lower-case hexadecimal: AB"),
            ("crypt abc\n", "7: not bytes in lower-case hexadecimal: abc"),
            ("crypt 2*\n", "7: not bytes in lower-case hexadecimal: "),
            ("crypt 07*00\n", "7: not a number, or too large: 07"),
            ("crypt 1@00\n", "7: not bytes in lower-case hexadecimal: 1@00"),
            ("accept\nconfig: modp2048\n", "8: nothing a server accepts: modp2048"),
            ("connect\nconfig: any offer\n", "8: nothing a client does: any offer"),
            ("connect\nconfig: x25519 often\n", "8: no way with forward secrecy: often"),
            ("connect\npsk: 00\n", "8: \"config: \" must follow here, not: psk: 00"),
        ] {
            assert_eq!(fault(calls), expected);
        }
        let fault = transcript("start\n").unwrap_err().to_string();
        assert_eq!(fault, "1: not the name of a part: start");
    }
}
