//! Numbers as the C library reads them, since scripts may rely on it, and a
//! few forms that it does not know.

use thiserror::Error;

/// What is wrong with a number, in the C library's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NumberFault {
    /// Not a number, or followed by something else.
    #[error("Invalid argument")]
    Invalid,
    /// A number outside of what the option takes.
    #[error("Numerical result out of range")]
    OutOfRange,
}

/// Reads an unsigned integer: white space, a sign, then hexadecimal after
/// `0x`, octal after `0`, decimal otherwise. A negative number wraps around.
pub(crate) fn parse_integer(text: &str) -> Result<u64, NumberFault> {
    let (negative, digits) = split_sign(text);
    let (digits, radix) = if let Some(hex) = strip_hex_prefix(digits) {
        (hex, 16)
    } else if digits.len() > 1 && digits.starts_with('0') {
        (&digits[1..], 8)
    } else {
        (digits, 10)
    };
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Err(NumberFault::Invalid);
    }
    let magnitude = u64::from_str_radix(digits, radix).map_err(|_| NumberFault::OutOfRange)?;
    Ok(if negative { magnitude.wrapping_neg() } else { magnitude })
}

/// Reads a number of bytes: decimal, with `K`, `M` or `G` for a power of 1,024,
/// which may be written as `KiB`, `MiB` and `GiB`.
pub(crate) fn parse_size(text: &str) -> Result<u64, NumberFault> {
    let short = text.strip_suffix("iB").unwrap_or(text);
    let (digits, unit) = match short.char_indices().last() {
        Some((at, 'k' | 'K')) => (&short[..at], 1 << 10),
        Some((at, 'm' | 'M')) => (&short[..at], 1 << 20),
        Some((at, 'g' | 'G')) => (&short[..at], 1 << 30),
        Some(_) | None => (text, 1),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NumberFault::Invalid);
    }
    let number = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    number.ok_or(NumberFault::OutOfRange)
}

/// Reads the mode of a file, in octal.
pub(crate) fn parse_mode(text: &str) -> Result<u32, NumberFault> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NumberFault::Invalid);
    }
    let mode = u32::from_str_radix(text, 8).map_err(|_| NumberFault::Invalid)?;
    if mode > 0o777 { Err(NumberFault::OutOfRange) } else { Ok(mode) }
}

/// Reads a floating-point number of at least 0, or not a number: white space,
/// a sign, then decimal, hexadecimal after `0x`, infinity or not a number.
pub(crate) fn parse_float(text: &str) -> Result<f64, NumberFault> {
    let (negative, digits) = split_sign(text);
    let magnitude = match strip_hex_prefix(digits) {
        Some(hex) => parse_hex_float(hex),
        None if digits.starts_with(['+', '-']) => None,
        None => digits.parse().ok(),
    };
    let magnitude = magnitude.ok_or(NumberFault::Invalid)?;

    let spelt_infinite = digits.starts_with(['i', 'I']);
    let overflowed = magnitude.is_infinite() && !spelt_infinite;
    let underflowed = magnitude == 0.0 && has_nonzero_mantissa(digits);
    if overflowed || underflowed || (negative && magnitude > 0.0) {
        return Err(NumberFault::OutOfRange);
    }
    Ok(magnitude)
}

fn split_sign(text: &str) -> (bool, &str) {
    let text = text.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn strip_hex_prefix(text: &str) -> Option<&str> {
    text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))
}

/// What follows `0x`: digits with at most one point, then perhaps `p` and a
/// decimal power of two.
fn parse_hex_float(text: &str) -> Option<f64> {
    let (mantissa, power) = match text.split_once(['p', 'P']) {
        Some((mantissa, power)) => (mantissa, parse_power(power)?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value = 0.0;
    for digit in whole.chars().chain(fraction.chars()) {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let shift = i32::try_from(fraction.len()).ok()?.checked_mul(4)?;
    Some(value * 2f64.powi(power.saturating_sub(shift)))
}

/// A power of any length: beyond the limit only "far too large" matters.
fn parse_power(text: &str) -> Option<i32> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let limit = if text.starts_with('-') { -9999 } else { 9999 };
    Some(text.parse().unwrap_or(limit))
}

fn has_nonzero_mantissa(digits: &str) -> bool {
    let (digits, exponents) = match strip_hex_prefix(digits) {
        Some(hex) => (hex, ['p', 'P']),
        None => (digits, ['e', 'E']),
    };
    let mantissa = digits.split(exponents).next().unwrap_or(digits);
    mantissa.contains(|digit: char| digit.is_ascii_hexdigit() && digit != '0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_and_modes_are_octal() {
        assert_eq!(parse_size("4096"), Ok(4096));
        assert_eq!(parse_size("64K"), Ok(64 << 10));
        assert_eq!(parse_size("3m"), Ok(3 << 20));
        assert_eq!(parse_size("2G"), Ok(2 << 30));
        assert_eq!(parse_size("64MiB"), Ok(64 << 20));
        for wrong in ["", "K", "1.5M", "-1", "1 M", "1MB", "64iB", "iB", "ä"] {
            assert_eq!(parse_size(wrong), Err(NumberFault::Invalid), "{wrong}");
        }
        assert_eq!(parse_size("17179869184G"), Err(NumberFault::OutOfRange));
        assert_eq!(parse_mode("0660"), Ok(0o660));
        assert_eq!(parse_mode("777"), Ok(0o777));
        for wrong in ["", "8", "rw", "+660"] {
            assert_eq!(parse_mode(wrong), Err(NumberFault::Invalid), "{wrong}");
        }
        assert_eq!(parse_mode("1777"), Err(NumberFault::OutOfRange));
    }

    #[test]
    fn integers_follow_their_prefix() {
        for (text, value) in [
            ("0", 0),
            ("00", 0),
            ("100", 100),
            ("0x10", 16),
            ("0XfF", 255),
            ("010", 8),
            (" \t+5", 5),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(parse_integer(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn negative_integer_wraps() {
        assert_eq!(parse_integer("-1"), Ok(u64::MAX));
        assert_eq!(parse_integer("-0"), Ok(0));
    }

    #[test]
    fn rubbish_is_no_integer() {
        for text in ["", " ", "abc", "5x", "5 ", "08", "0x", "0xg", "--1", "+-1", "- 1", "1.5", "é"]
        {
            assert_eq!(parse_integer(text), Err(NumberFault::Invalid), "{text}");
        }
        let large = "99999999999999999999999";
        assert_eq!(parse_integer(large), Err(NumberFault::OutOfRange));
    }

    #[test]
    fn floats_come_in_every_spelling() {
        for (text, value) in [
            ("5", 5.0),
            ("1.5", 1.5),
            (".5", 0.5),
            ("2.", 2.0),
            ("1e2", 100.0),
            (" +3", 3.0),
            ("-0", 0.0),
            ("0x1p3", 8.0),
            ("0x.8", 0.5),
            ("0xA.8P-1", 5.25),
            ("0x0p-99999999999", 0.0),
            ("inf", f64::INFINITY),
            ("Infinity", f64::INFINITY),
        ] {
            assert_eq!(parse_float(text), Ok(value), "{text}");
        }
        assert!(parse_float("nan").is_ok_and(f64::is_nan));
        assert!(parse_float("-nan").is_ok_and(f64::is_nan));
    }

    #[test]
    fn rubbish_is_no_float() {
        for text in [
            "", "1x", "5 ", "e5", "1e", "0x", "0x.", "0xp1", "0x1p", "0x1p+", "0x1.2.3", "--1",
            "+-1", "0x-1", "abc",
        ] {
            assert_eq!(parse_float(text), Err(NumberFault::Invalid), "{text}");
        }
    }

    #[test]
    fn floats_have_a_range() {
        for text in ["-1", "-inf", "1e400", "1e-400", "0x1p99999", "0x1p-99999"] {
            assert_eq!(parse_float(text), Err(NumberFault::OutOfRange), "{text}");
        }
    }
}
