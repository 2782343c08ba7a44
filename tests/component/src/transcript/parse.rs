//! From text to transcripts, strictly: what the format does not say is an
//! error, at the line it is in.

use std::iter::Peekable;
use std::vec;

use spiped_core::Config;

use super::bytes::{Bytes, parse_exact, parse_number};
use super::words::{
    FORWARD_SECRECY, KEY_EXCHANGES, KEY_EXCHANGES_IN_USE, SIDES, STATUSES, parse_failure, value,
};
use super::{Fault, Step, Transcript};
use crate::{Answer, Call, Ingredients};

pub(super) fn transcript(text: &str) -> Result<Transcript, Fault> {
    let mut lines = Lines::new(text);
    let ingredients = ingredients(&mut lines)?;
    let mut steps = Vec::new();
    while let Some(call) = lines.take_if("", call)? {
        let line = lines.last;
        let answer = answer(&mut lines, &call)?;
        steps.push(Step { line, call, answer });
    }
    Ok(Transcript { ingredients, steps })
}

fn ingredients(lines: &mut Lines<'_>) -> Result<Ingredients, Fault> {
    if let Some(state) = lines.take_if("resume: ", parse_exact)? {
        return Ok(Ingredients::Resumed(state));
    }
    let side = lines.take("side: ", |word| value(&SIDES, word))?;
    let key_exchange = lines.take("key-exchange: ", |word| value(&KEY_EXCHANGES, word))?;
    let forward_secrecy = lines.take("forward-secrecy: ", |word| value(&FORWARD_SECRECY, word))?;
    let mut secrets = Vec::new();
    while let Some(secret) = lines.take_if("secret: ", parse_exact)? {
        secrets.push(secret);
    }
    let entropy = lines.take("entropy: ", parse_exact)?;
    let config = Config { side, key_exchange, forward_secrecy };
    Ok(Ingredients::New { config, secrets, entropy })
}

fn call(line: &str) -> Result<Call, String> {
    if let Some(bytes) = line.strip_prefix("crypt ") {
        return parse_exact(bytes).map(Call::Crypt);
    }
    if let Some(bytes) = line.strip_prefix("plain ") {
        return parse_exact(bytes).map(Call::Plain);
    }
    match line {
        "start" => Ok(Call::Start),
        "compute" => Ok(Call::Compute),
        "crypt-eof" => Ok(Call::CryptEof),
        "plain-eof" => Ok(Call::PlainEof),
        "peer-secret" => Ok(Call::PeerSecret),
        "key-exchange" => Ok(Call::KeyExchange),
        "suspend" => Ok(Call::Suspend),
        other => Err(format!("not a call: {other}")),
    }
}

fn answer(lines: &mut Lines<'_>, call: &Call) -> Result<Answer<Bytes>, Fault> {
    match call {
        Call::PeerSecret => lines.take("= ", |secret| match secret {
            "none" => Ok(Answer::PeerSecret(None)),
            index => Ok(Answer::PeerSecret(Some(parse_number(index)?))),
        }),
        Call::KeyExchange => lines
            .take("= ", |exchange| value(&KEY_EXCHANGES_IN_USE, exchange).map(Answer::KeyExchange)),
        Call::Suspend => lines.take("= ", |result| match result.strip_prefix("state ") {
            Some(state) => Ok(Answer::State(Ok(Bytes::parse(state)?))),
            None => status(result)?
                .err()
                .map(|error| Answer::State(Err(error)))
                .ok_or_else(|| format!("neither a state nor a failure: {result}")),
        }),
        Call::Start
        | Call::Compute
        | Call::Crypt(_)
        | Call::Plain(_)
        | Call::CryptEof
        | Call::PlainEof => {
            let mut bytes = |prefix| {
                let bytes = lines.take_if(prefix, Bytes::parse)?;
                Ok(bytes.unwrap_or(Bytes::Exact(Vec::new())))
            };
            let (to_crypt, to_plain) = (bytes("> crypt ")?, bytes("> plain ")?);
            let status = lines.take("= ", status)?;
            Ok(Answer::Output { to_crypt, to_plain, status })
        }
    }
}

fn status(words: &str) -> Result<Result<spiped_core::Status, spiped_core::Error>, String> {
    match words.strip_prefix("failed ") {
        Some(failure) => parse_failure(failure).map(Err),
        None => value(&STATUSES, words).map(Ok),
    }
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

    /// Takes the next line if it begins like this, and reads the rest of it.
    fn take_if<T>(
        &mut self,
        prefix: &str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Fault> {
        let Some((line, text)) = self.lines.next_if(|(_, text)| text.starts_with(prefix)) else {
            return Ok(None);
        };
        self.last = line;
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

    const HEADER: &str = "# about\nside: server\nkey-exchange: x25519\nforward-secrecy: omit\nsecret: 32*61\n\
                          secret: 4*0001\nentropy: -\n";

    fn fault(calls: &str) -> String {
        transcript(&format!("{HEADER}{calls}")).unwrap_err().to_string()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let calls = [
            "start\n> crypt 0102\n= handshaking\n",
            "crypt -\n> crypt 5@8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4\n\
             > plain 1060*00\n= failed peer bad-length 18446744073709551615 1025\n",
            "plain 61\n= failed peer forged-packet 7\n",
            "peer-secret\n= 3\n",
            "peer-secret\n= none\n",
            "key-exchange\n= none\n",
            "key-exchange\n= modp2048\n",
            "suspend\n= state 6*abcd\n",
            "suspend\n= failed misuse not-established\n",
        ];
        let header = HEADER.strip_prefix("# about\n").unwrap();
        let text = format!("{header}\n{}", calls.join("\n"));
        assert_eq!(transcript(&text).unwrap().to_string(), text);
    }

    #[test]
    fn what_the_format_does_not_say_is_refused_at_its_line() {
        for (calls, expected) in [
            ("begin\n", "8: not a call: begin"),
            ("start", "8: \"= \" must follow here, not: the end"),
            ("\nstart\n# more\nstart\n", "11: \"= \" must follow here, not: start"),
            ("start\n> plain 00\n> crypt 00\n", "10: \"= \" must follow here, not: > crypt 00"),
            ("crypt AB\n", "8: not bytes in lower-case hexadecimal: AB"),
            ("crypt abc\n", "8: not bytes in lower-case hexadecimal: abc"),
            ("crypt 2*\n", "8: not bytes in lower-case hexadecimal: "),
            ("crypt 07*00\n", "8: not a number, or too large: 07"),
            ("crypt 1@00\n", "8: not bytes in lower-case hexadecimal: 1@00"),
            ("start\n> crypt 1@00\n", "9: not a SHA-256: 00"),
            ("suspend\n= established\n", "9: neither a state nor a failure: established"),
            ("peer-secret\n= 4294967296\n", "9: not a number, or too large: 4294967296"),
            ("start\n= failed peer bad-length 7\n", "9: a length is missing"),
        ] {
            assert_eq!(fault(calls), expected);
        }
        assert!(fault("start\n= ready\n").starts_with("9: \"ready\" is none of: handshaking,"));
        assert_eq!(
            transcript("forward-secrecy: omit\n").unwrap_err().to_string(),
            "1: \"side: \" must follow here, not: forward-secrecy: omit"
        );
    }
}
