//! Numbers as people read them.

/// A number of bytes in four digits at most: `0`, `812`, `1.2K`, `34M`, `5.0G`.
#[must_use]
pub(crate) fn bytes(count: u64) -> String {
    let Some(unit) = (1..=UNITS.len()).rev().find(|unit| count >> (10 * unit) > 0) else {
        return count.to_string();
    };
    let (whole, letter) = (count >> (10 * unit), UNITS[unit - 1]);
    if whole >= 10 {
        return format!("{whole}{letter}");
    }
    let tenths = (count >> (10 * (unit - 1))) % 1024 * 10 / 1024;
    format!("{whole}.{tenths}{letter}")
}

/// A time, in the two largest units that it has: `5 s`, `2 min 5 s`, `3 d 4 h`.
#[must_use]
pub(crate) fn time(seconds: f64) -> String {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, which is fine for what is shown"
    )]
    let whole = seconds as u64;
    let parts = [
        (whole / 86400, "d"),
        (whole / 3600 % 24, "h"),
        (whole / 60 % 60, "min"),
        (whole % 60, "s"),
    ];
    let first = parts.iter().position(|(count, _)| *count > 0).unwrap_or(parts.len() - 1);
    let shown = parts.iter().skip(first).take(2).enumerate();
    let shown = shown.filter(|(place, (count, _))| *place == 0 || *count > 0);
    let words: Vec<_> = shown.map(|(_, (count, unit))| format!("{count} {unit}")).collect();
    words.join(" ")
}

/// A number of things: `1 pipe`, `2 pipes`.
#[must_use]
pub(crate) fn count(number: u64, thing: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{ending}")
}

const UNITS: [char; 6] = ['K', 'M', 'G', 'T', 'P', 'E'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_short() {
        for (count, words) in [
            (0, "0"),
            (1023, "1023"),
            (1024, "1.0K"),
            (10_239, "9.9K"),
            (10_240, "10K"),
            (1_048_575, "1023K"),
            (1_048_576, "1.0M"),
            (5 << 30, "5.0G"),
            (u64::MAX, "15E"),
        ] {
            assert_eq!(bytes(count), words);
        }
    }

    #[test]
    fn times_have_two_units() {
        for (seconds, words) in [
            (0.0, "0 s"),
            (0.9, "0 s"),
            (59.9, "59 s"),
            (60.0, "1 min"),
            (125.0, "2 min 5 s"),
            (3605.0, "1 h"),
            (3660.0, "1 h 1 min"),
            (273_600.0, "3 d 4 h"),
            (-1.0, "0 s"),
        ] {
            assert_eq!(time(seconds), words);
        }
    }
}
