//! Estimates how hard the content of a key file is to guess.
//!
//! An attacker who has recorded one handshake can test keys offline. The estimate
//! cannot show that a key is strong, only that a short or regular one is not.

use zeroize::Zeroizing;

/// The start of a key file's content: enough to see whether it is as hard to guess as a
/// key should be.
#[derive(Default)]
pub(super) struct Sample {
    bytes: Zeroizing<Vec<u8>>,
}

impl Sample {
    /// Adds the next part of the content.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        if self.bytes.capacity() == 0 {
            // Never reallocated, because that would leave a copy behind.
            self.bytes.reserve_exact(SAMPLE_LEN);
        }
        let room = SAMPLE_LEN - self.bytes.len();
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Whether too few keys look like this one.
    pub(super) fn is_weak(&self) -> bool {
        bits(&self.bytes) < BITS_ENOUGH
    }
}

/// The number of characters that do not follow from those before them by repetition or
/// counting.
pub(crate) fn surprises(text: &[u8]) -> usize {
    let unit = &text[..period(text)];
    let step = |at: usize| i16::from(unit[at]) - i16::from(unit[at - 1]);
    let goes_on = |at: usize| at >= 2 && step(at) == step(at - 1) && step(at).abs() <= 1;
    (0..unit.len()).filter(|&at| !goes_on(at)).count()
}

/// The length of the part that repeats to the end.
fn period(text: &[u8]) -> usize {
    let repeats_after = |len: &usize| text[*len..] == text[..text.len() - len];
    (1..=text.len() / 2).find(repeats_after).unwrap_or(text.len())
}

/// An estimate: this many bits for each character that is not predictable.
fn bits(content: &[u8]) -> f64 {
    // Editors append a line feed.
    let text = content.trim_ascii();
    let is_text = |byte: &u8| !byte.is_ascii_control() || byte.is_ascii_whitespace();
    if !text.iter().all(is_text) {
        return count(surprises(content)) * 8.0;
    }
    if is_words(text) {
        return count(surprises(text)) * BITS_PER_LETTER_OF_WORDS;
    }
    let in_groups = |byte: &u8| b"-: \n".contains(byte);
    if text.iter().all(|byte| byte.is_ascii_hexdigit() || in_groups(byte)) {
        let digits: Zeroizing<Vec<u8>> =
            Zeroizing::new(text.iter().copied().filter(|byte| !in_groups(byte)).collect());
        return count(surprises(&digits)) * count(alphabet(&digits).min(16)).log2();
    }
    count(surprises(text)) * count(alphabet(text)).log2()
}

/// Words of a language rather than random letters: letters of one case, perhaps
/// in groups, and as many vowels among them as people can pronounce.
fn is_words(text: &[u8]) -> bool {
    let words = text.split(|byte| b" -_.,\n".contains(byte)).filter(|word| !word.is_empty());
    let is_word = |word: &[u8]| {
        let rest = &word[1..];
        word[0].is_ascii_alphabetic()
            && (rest.iter().all(u8::is_ascii_lowercase) || rest.iter().all(u8::is_ascii_uppercase))
    };
    if !words.clone().all(is_word) {
        return false;
    }
    let vowels = text.iter().filter(|byte| b"aeiou".contains(&byte.to_ascii_lowercase())).count();
    let letters: usize = words.map(<[u8]>::len).sum();
    // One in five random letters is a vowel.
    vowels * 10 >= letters * 3
}

/// How many characters there are of the kinds that occur in it.
fn alphabet(text: &[u8]) -> usize {
    let size = |is_one: fn(&u8) -> bool, size| if text.iter().any(is_one) { size } else { 0 };
    size(u8::is_ascii_digit, 10)
        + size(|byte| matches!(byte, b'a'..=b'f'), 6)
        + size(|byte| matches!(byte, b'g'..=b'z'), 20)
        + size(u8::is_ascii_uppercase, 26)
        + size(|byte| byte.is_ascii() && !byte.is_ascii_alphanumeric(), 33)
        + size(|byte| !byte.is_ascii(), 64)
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}

/// More than enough for the hardest case, words.
const SAMPLE_LEN: usize = 512;

/// Seven eighths of 128. A random key of 128 bits may be short of a character or
/// two that happen to repeat or to count.
const BITS_ENOUGH: f64 = 112.0;

/// Five letters and a space of a word drawn from some thousands.
const BITS_PER_LETTER_OF_WORDS: f64 = 2.2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_and_short_or_regular_content_are_weak() {
        for content in [
            &b"hunter2\n"[..],
            b"secret",
            b"Tr0ub4dor&3",
            b"spiped test key\n",
            b"correct horse battery staple\n",
            b"correcthorsebatterystaple",
            b"This is the secret key of our redis server",
            b"2026-11-26 12:00:00",
            b"0123456789abcdefghijklmnopqrstuvwxyz",
            b"11111111111111111111111111111111111111111111111111111111",
            b"abcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabc",
            b"8Jk2mQ9xL4vP7w",
            b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10",
            &[0; 32],
            b"\x8f\x1d\x03\x99\xee\x10\x42\x07",
            b"",
        ] {
            assert!(is_weak(content), "{:?}", content.escape_ascii().to_string());
        }
    }

    #[test]
    fn random_keys_in_any_form_are_not() {
        for content in [
            // openssl rand -hex 16, -base64 16, -base64 32.
            &b"3f9a1c07d28be4655d0e7b91f4c8a23e\n"[..],
            b"3F9A1C07D28BE4655D0E7B91F4C8A23E",
            b"3f9a1c07-d28b-e465-5d0e-7b91f4c8a23e",
            b"kPq2mZx81JcT0aVbYwR5sA==\n",
            b"q8Jk2mQ9xL4vP7wZr0TnBcYdEfGhIuAs5o1K3p6Xt/M=\n",
            // 39 digits; 28 letters, where every fifth is a vowel.
            b"582947103658210974365820917436582091746",
            b"kqzvhtrwmbxpdyjnfgclsaoetkwz",
            // Ten words of a list of 7,776.
            b"uncouth spinning gravel octopus tapestry mulch dwindle harbor canine fedora\n",
            b"\x8f\x1d\x03\x99\xee\x10\x42\x07\xc5\x5b\x70\xa9\x3e\xd4\x61\xf2",
        ] {
            assert!(!is_weak(content), "{:?}", content.escape_ascii().to_string());
        }
    }

    #[test]
    fn start_decides_however_it_comes() {
        let content = [b'x'; 10_000];
        assert!(is_weak(&content));
        let mut sample = Sample::default();
        for byte in b"3f9a1c07d28be4655d0e7b91f4c8a23e" {
            sample.add(&[*byte]);
        }
        sample.add(&[b'\n'; 4096]);
        assert!(!sample.is_weak());
        assert_eq!(sample.bytes.len(), SAMPLE_LEN);
    }

    fn is_weak(content: &[u8]) -> bool {
        let mut sample = Sample::default();
        sample.add(content);
        sample.is_weak()
    }
}
