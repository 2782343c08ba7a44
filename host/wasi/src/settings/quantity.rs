//! Numbers and times.

use core::time::Duration;

/// How many at most: decimal, `0x` or octal with a leading 0, as upstream reads
/// it. 0 and negative numbers mean any number.
pub(super) fn limit(text: &str) -> Option<usize> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let number = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(unsigned(hex)?, 16),
        None if digits.len() > 1 && digits.starts_with('0') => {
            u64::from_str_radix(unsigned(digits)?, 8)
        }
        None => unsigned(digits)?.parse(),
    };
    let number = number.ok()?;
    let unlimited = negative || number == 0 || i32::try_from(number).is_err();
    Some(if unlimited { usize::MAX } else { usize::try_from(number).ok()? })
}

/// No second sign, which the library would take.
fn unsigned(digits: &str) -> Option<&str> {
    digits.starts_with(|digit: char| digit.is_ascii_alphanumeric()).then_some(digits)
}

/// `5`, `1.5`, `5s`, `1m30s`, `300ms`; `never` and `inf` are [`LONGEST`].
pub(super) fn time(text: &str) -> Option<Duration> {
    if ["never", "inf"].contains(&text) {
        return Some(LONGEST);
    }
    let mut rest = text;
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let end = rest.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let unit = match unit {
            // Only all of it: `1m30` would be a riddle.
            "" if rest.len() == text.len() => 1.0,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        if !number.bytes().all(|c| c.is_ascii_digit() || c == b'.') {
            return None;
        }
        let seconds = number.parse::<f64>().ok()? * unit;
        sum = sum.checked_add(Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST))?;
        rest = after;
    }
    (!text.is_empty()).then(|| sum.min(LONGEST))
}

/// Ten years: for ever, yet safe to add to any instant.
pub const LONGEST: Duration = Duration::from_hours(10 * 365 * 24);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_follow_their_prefix() {
        for (text, number) in
            [("7", 7), ("0x10", 16), ("010", 8), ("0", usize::MAX), ("-1", usize::MAX)]
        {
            assert_eq!(limit(text), Some(number), "{text}");
        }
        for text in ["", "-", "+1", "--1", "1x", "0x", "08", " 1"] {
            assert_eq!(limit(text), None, "{text}");
        }
    }

    #[test]
    fn times_have_units_and_an_end() {
        for (text, milliseconds) in
            [("5", 5000), ("1.5", 1500), ("0", 0), ("5s", 5000), ("1m30s", 90_000), ("250ms", 250)]
        {
            assert_eq!(time(text), Some(Duration::from_millis(milliseconds)), "{text}");
        }
        assert_eq!(time("never"), Some(LONGEST));
        assert_eq!(time("99999999999999999999h"), Some(LONGEST));
        for text in ["", "-1", "1m30", "s", "1d", "1e5", "nan", "1 s", "+1", "."] {
            assert_eq!(time(text), None, "{text}");
        }
    }
}
