//! Sizes, numbers and spans of time, as Docker's flags and tables write them.

use std::time::Duration;

/// `512m` as bytes.
pub(super) fn bytes(text: &str) -> Result<i64, String> {
    let lower = text.to_lowercase();
    let invalid = || format!("invalid size: '{text}'");
    let digits = lower.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(lower.len());
    let (number, unit) = lower.split_at(digits);
    let factor: f64 = match unit.trim() {
        "" | "b" => 1.0,
        "k" | "kb" | "kib" => 1024.0,
        "m" | "mb" | "mib" => 1_048_576.0,
        "g" | "gb" | "gib" => 1_073_741_824.0,
        "t" | "tb" | "tib" => 1_099_511_627_776.0,
        _ => return Err(invalid()),
    };
    let number: f64 = number.parse().map_err(|_| invalid())?;
    // A size that is out of range is out of the daemon's range as well.
    #[allow(clippy::cast_possible_truncation)]
    Ok((number * factor) as i64)
}

/// `1.5` as 1,500,000,000.
pub(super) fn billionths(text: &str) -> Result<i64, String> {
    let invalid = || format!("failed to parse {text} as a rational number");
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > 9
        || !part.bytes().all(|byte| byte.is_ascii_digit())
        || (whole.is_empty() && part.is_empty())
    {
        return Err(invalid());
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| invalid())? };
    let part: i64 = format!("{part:0<9}").parse().map_err(|_| invalid())?;
    whole.checked_mul(1_000_000_000).and_then(|whole| whole.checked_add(part)).ok_or_else(invalid)
}

/// Bytes as `1.09MB`: three figures, by thousands.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    #[allow(clippy::cast_precision_loss)]
    let mut number = bytes as f64;
    let mut unit = 0;
    while number >= 1000.0 && unit + 1 < UNITS.len() {
        number /= 1000.0;
        unit += 1;
    }
    let places = if number >= 100.0 {
        0
    } else if number >= 10.0 {
        1
    } else {
        2
    };
    let mut shown = format!("{number:.places$}");
    if shown.contains('.') {
        shown.truncate(shown.trim_end_matches('0').trim_end_matches('.').len());
    }
    format!("{shown}{}", UNITS[unit])
}

/// A span of time for people: `About a minute`, `3 hours`.
pub(super) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let minutes = seconds / 60;
    let hours = (seconds + 1800) / 3600;
    match () {
        () if seconds < 1 => "Less than a second".to_owned(),
        () if seconds == 1 => "1 second".to_owned(),
        () if seconds < 60 => format!("{seconds} seconds"),
        () if minutes == 1 => "About a minute".to_owned(),
        () if minutes < 60 => format!("{minutes} minutes"),
        () if hours == 1 => "About an hour".to_owned(),
        () if hours < 48 => format!("{hours} hours"),
        () if hours < 24 * 7 * 2 => format!("{} days", hours / 24),
        () if hours < 24 * 30 * 2 => format!("{} weeks", hours / 24 / 7),
        () if hours < 24 * 365 * 2 => format!("{} months", hours / 24 / 30),
        () => format!("{} years", seconds / 3600 / 24 / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_sizes_and_numbers() {
        for (text, expected) in [("64", 64), ("64b", 64), ("1k", 1024), ("1.5M", 1_572_864), ("2gb", 2 << 30)]
        {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
        assert_eq!(bytes("many"), Err("invalid size: 'many'".to_owned()));
        for (text, expected) in [("1", 1_000_000_000), ("1.5", 1_500_000_000), (".25", 250_000_000)] {
            assert_eq!(billionths(text), Ok(expected), "{text}");
        }
        for text in ["", ".", "x", "1.0000000001", "99999999999999"] {
            assert!(billionths(text).is_err(), "{text:?}");
        }
    }

    /// docker/go-units.
    #[test]
    fn shows_sizes_and_spans() {
        let sizes = [
            (0, "0B"),
            (999, "999B"),
            (1000, "1kB"),
            (1_090_000, "1.09MB"),
            (21_500_000, "21.5MB"),
            (123_456_789, "123MB"),
        ];
        for (bytes, shown) in sizes {
            assert_eq!(size(bytes), shown);
        }
        let spans = [
            (0, "Less than a second"),
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "About a minute"),
            (120, "2 minutes"),
            (3599, "59 minutes"),
            (3600, "About an hour"),
            (5_399, "About an hour"),
            (5_400, "2 hours"),
            (47 * 3600, "47 hours"),
            (48 * 3600, "2 days"),
            (14 * 86_400, "2 weeks"),
            (60 * 86_400, "2 months"),
            (730 * 86_400, "2 years"),
        ];
        for (seconds, shown) in spans {
            assert_eq!(span(Duration::from_secs(seconds)), shown, "{seconds}");
        }
    }
}
