//! Moments, as flags say them and as tables show them. Where no zone is said it is UTC.

use std::time::{SystemTime, UNIX_EPOCH};

/// What the API takes for a moment: seconds since 1970, perhaps with a fraction. `text` is so long before `now`
/// (`42m`), a date with or without time and zone (RFC 3339), or that number itself.
pub(super) fn timestamp(text: &str, now: SystemTime) -> Result<String, String> {
    if text != "0"
        && let Some(before) = duration(text)
    {
        return Ok((seconds(now)
            - before.div_euclid(1_000_000_000)
            - i128::from(before % 1_000_000_000 > 0))
        .to_string());
    }
    if let Some(at) = date(text) {
        return Ok(format!("{}.{:09}", at.div_euclid(1_000_000_000), at.rem_euclid(1_000_000_000)));
    }
    if is_number(text) {
        return Ok(text.to_owned());
    }
    Err(format!("failed to parse value as time or duration: {text:?}"))
}

fn seconds(at: SystemTime) -> i128 {
    at.duration_since(UNIX_EPOCH).map_or(0, |since| i128::from(since.as_secs()))
}

fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('.').map_or(digits(text), |(whole, part)| digits(whole) && digits(part))
}

/// A span in Go's way, such as `1h30m` or `-1.5s`, in nanoseconds.
fn duration(text: &str) -> Option<i128> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut total = 0_i128;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let (number, behind) = rest.split_at(end);
        let units = behind.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(units);
        let unit: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        total = total.checked_add(multiplied(number, unit)?)?;
        rest = behind;
    }
    (!text.is_empty()).then_some(sign * total)
}

/// `1.5` times `unit`.
fn multiplied(number: &str, unit: i128) -> Option<i128> {
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && part.is_empty()) || part.contains('.') || whole.len() + part.len() > 18 {
        return None;
    }
    let parse = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<i128>().ok() };
    let part_of = parse(part)? * unit / 10_i128.pow(u32::try_from(part.len()).ok()?);
    Some(parse(whole)? * unit + part_of)
}

/// A date, perhaps with a time, perhaps with a zone, in nanoseconds since 1970.
fn date(text: &str) -> Option<i128> {
    let (day, time) = match text.split_once('T') {
        Some((day, time)) => (day, Some(time)),
        None => (text.get(..10)?, None),
    };
    let day = day_of(day)?;
    let rest = time.unwrap_or_else(|| text.get(10..).unwrap_or_default());
    let at = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(at);
    let clock = match time {
        Some(_) => nanoseconds(clock)?,
        None if clock.is_empty() => 0,
        None => return None,
    };
    Some(day * DAY + clock - zone_of(zone)?)
}

const DAY: i128 = 86_400_000_000_000;

fn number(text: &str, len: usize) -> Option<i128> {
    (text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Days since 1970 of `2013-01-02`.
fn day_of(text: &str) -> Option<i128> {
    let mut parts = text.split('-');
    let (year, month, day) =
        (number(parts.next()?, 4)?, number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if parts.next().is_some() || !(1..=last).contains(&day) {
        return None;
    }
    // Years that begin in March have their leap day at their end.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let before = year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some(before + (153 * month + 2) / 5 + day - 1 - 719_468)
}

/// Of the day, at `13`, `13:23` or `13:23:37.5`.
fn nanoseconds(text: &str) -> Option<i128> {
    let (clock, part) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = clock.split(':');
    let hour = number(parts.next()?, 2)?;
    let minute = parts.next().map_or(Some(0), |text| number(text, 2))?;
    let second = parts.next().map_or(Some(0), |text| number(text, 2))?;
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 || part.len() > 9 {
        return None;
    }
    let part = if part.is_empty() { 0 } else { number(&format!("{part:0<9}"), 9)? };
    Some((hour * 3600 + minute * 60 + second) * 1_000_000_000 + part)
}

/// `Z` or `+02:00` in nanoseconds.
fn zone_of(text: &str) -> Option<i128> {
    let sign = match text.as_bytes().first() {
        None | Some(b'Z' | b'z') => return (text.len() <= 1).then_some(0),
        Some(b'+') => 1,
        Some(_) => -1,
    };
    let (hours, minutes) = text[1..].split_once(':')?;
    Some(sign * (number(hours, 2)? * 60 + number(minutes, 2)?) * 60_000_000_000)
}

/// Year, month, day, hour, minute and second, in UTC.
pub(super) fn parts(seconds: i64) -> (i64, u8, u8, u8, u8, u8) {
    let (days, clock) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let small = |number: i64| u8::try_from(number).unwrap_or_default();
    (year, small(month), small(day), small(clock / 3600), small(clock / 60 % 60), small(clock % 60))
}

/// `2013-01-02 13:23:37 +0000 UTC`.
pub(super) fn long(seconds: i64) -> String {
    let (year, month, day, hour, minute, second) = parts(seconds);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} +0000 UTC")
}

/// What is written by RFC 3339 as C's `asctime` writes it, in its own zone: `Thu May  7 21:09:36 2026`. Anything else
/// stays as it is.
pub(super) fn ansi(text: &str) -> String {
    let shown = || {
        date(text)?;
        let (day, rest) = text.split_once('T')?;
        let clock = rest.get(..8)?;
        let days = i64::try_from(day_of(day)?).ok()?;
        let (year, month, day, ..) = parts(days * 86_400);
        let weekday = WEEKDAYS[usize::try_from((days + 4).rem_euclid(7)).ok()?];
        Some(format!("{weekday} {} {day:2} {clock} {year}", MONTHS[usize::from(month) - 1]))
    };
    shown().unwrap_or_else(|| text.to_owned())
}

const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// docker/docker `api/types/time`.
    #[test]
    fn reads_dockers_moments() {
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000);
        let table = [
            ("42m", "997480"),
            ("1h30m", "994600"),
            ("1.5h", "994600"),
            ("-10s", "1000010"),
            ("0", "0"),
            ("1136073600", "1136073600"),
            ("1136073600.000000001", "1136073600.000000001"),
            ("2006-01-02", "1136160000.000000000"),
            ("2006-01-02Z", "1136160000.000000000"),
            ("2006-01-02+02:00", "1136152800.000000000"),
            ("2006-01-02T15", "1136214000.000000000"),
            ("2006-01-02T15:04", "1136214240.000000000"),
            ("2006-01-02T15:04:05", "1136214245.000000000"),
            ("2006-01-02T15:04:05Z", "1136214245.000000000"),
            ("2006-01-02T15:04:05.5-07:00", "1136239445.500000000"),
            ("2004-02-29", "1078012800.000000000"),
        ];
        for (text, stamp) in table {
            assert_eq!(timestamp(text, now).as_deref(), Ok(stamp), "{text}");
        }
        for text in ["foo", "1x", "2006-13-01", "2006-02-29", "2006-01-02T25", "1.2.3", "", "5", "m"] {
            let read = timestamp(text, now);
            assert_eq!(read.is_ok(), text == "5", "{text}: {read:?}");
        }
    }

    #[test]
    fn shows_moments() {
        assert_eq!(long(0), "1970-01-01 00:00:00 +0000 UTC");
        assert_eq!(long(1_709_210_096), "2024-02-29 12:34:56 +0000 UTC");
        assert_eq!(ansi("2026-05-07T21:09:36.000000000+00:00"), "Thu May  7 21:09:36 2026");
        assert_eq!(ansi("yesterday"), "yesterday");
    }
}
