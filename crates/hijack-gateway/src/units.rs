//! Durations and sizes as people write them: `30s`, `1.5h`, `64KiB`. In filters and in the configuration alike.

use std::time::Duration;

/// The units of time, the longest first, and their milliseconds.
const TIMES: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// The units of size, the largest first of each family, and their bytes.
const SIZES: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

/// What a duration looks like, for errors.
pub(crate) const DURATION: &str = "a duration such as 500ms, 30s, 5m, 1.5h or 7d";

/// What a size looks like, for errors.
pub(crate) const SIZE: &str = "a size such as 512, 512B, 64KiB, 1.5MiB or 2GB";

/// Milliseconds of a duration: a number and its unit. Only 0 needs none.
pub(crate) fn duration_ms(text: &str) -> Option<u64> {
    let (number, unit) = split(text);
    match TIMES.iter().find(|(name, _)| *name == unit) {
        Some((_, factor)) => times(number, *factor),
        None => (unit.is_empty() && number == "0").then_some(0),
    }
}

/// A duration, as [`duration_ms`].
pub(crate) fn duration(text: &str) -> Option<Duration> {
    duration_ms(text).map(Duration::from_millis)
}

/// Bytes of a size: a number and its unit, without one bytes. Case does not matter.
pub(crate) fn size(text: &str) -> Option<u64> {
    let (number, unit) = split(text);
    let unit = if unit.is_empty() { "B" } else { unit };
    let (_, factor) = SIZES.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
    times(number, *factor)
}

/// A duration that [`duration_ms`] reads as the same: in the longest unit that divides it.
pub(crate) fn show_ms(ms: u64) -> String {
    if ms == 0 {
        return "0s".into();
    }
    let (unit, factor) = TIMES.iter().find(|(_, factor)| ms.is_multiple_of(*factor)).unwrap_or(&("ms", 1));
    format!("{}{unit}", ms / factor)
}

/// A size that [`size`] reads as the same: in the largest unit of 1,024 that divides it.
pub(crate) fn show_size(bytes: u64) -> String {
    let binary = SIZES[..4].iter().find(|(_, factor)| bytes > 0 && bytes.is_multiple_of(*factor));
    let (unit, factor) = binary.unwrap_or(&("B", 1));
    format!("{}{unit}", bytes / factor)
}

/// The number in front and the letters behind it.
fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    text.split_at(end)
}

/// `number` times `factor`, rounded down, if that is a number and no more than 64 bits.
fn times(number: &str, factor: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > MOST_DECIMALS {
        return None;
    }
    let scale = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let fraction = fraction.parse::<u128>().ok()? * u128::from(factor) / scale;
    let whole = u128::from(whole.parse::<u64>().ok()?) * u128::from(factor);
    u64::try_from(whole + fraction).ok()
}

/// Digits behind the point: more would mean less than a byte or a millisecond.
const MOST_DECIMALS: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_shows_durations() {
        let table = [
            ("0", Some(0), "0s"),
            ("0s", Some(0), "0s"),
            ("1ms", Some(1), "1ms"),
            ("1500ms", Some(1_500), "1500ms"),
            ("30s", Some(30_000), "30s"),
            ("90s", Some(90_000), "90s"),
            ("1.5h", Some(5_400_000), "90m"),
            ("7d", Some(604_800_000), "7d"),
            ("0.0015s", Some(1), "1ms"),
            ("30", None, ""),
            ("30 s", None, ""),
            ("1.s", None, ""),
            (".5s", None, ""),
            ("1.2.3s", None, ""),
            ("-1s", None, ""),
            ("30S", None, ""),
            ("", None, ""),
            ("s", None, ""),
            ("999999999999999999999d", None, ""),
            ("18446744073709551615d", None, ""),
        ];
        for (text, ms, shown) in table {
            assert_eq!(duration_ms(text), ms, "{text}");
            if let Some(ms) = ms {
                assert_eq!(show_ms(ms), shown, "{text}");
                assert_eq!(duration_ms(shown), Some(ms), "{shown}");
            }
        }
    }

    #[test]
    fn reads_and_shows_sizes() {
        let table = [
            ("0", Some(0), "0B"),
            ("512", Some(512), "512B"),
            ("512b", Some(512), "512B"),
            ("64KiB", Some(65_536), "64KiB"),
            ("64kib", Some(65_536), "64KiB"),
            ("1.5MiB", Some(1_572_864), "1536KiB"),
            ("2GB", Some(2_000_000_000), "1953125KiB"),
            ("16TiB", Some(1 << 44), "16TiB"),
            ("1k", None, ""),
            ("1PiB", None, ""),
            ("16777216TiB", None, ""),
            ("MiB", None, ""),
        ];
        for (text, bytes, shown) in table {
            assert_eq!(size(text), bytes, "{text}");
            if let Some(bytes) = bytes {
                assert_eq!(show_size(bytes), shown, "{text}");
                assert_eq!(size(shown), Some(bytes), "{shown}");
            }
        }
    }
}
