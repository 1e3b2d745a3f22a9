//! `time.Time`.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::encode::{EncodeError, GoType, Gob, Kind, Writer};
use crate::through_serde;
use crate::types::Marshaler;

/// A `time.Time`: a moment, and the zone in which its sender saw it.
///
/// The default is Go's zero, the first moment of the year 1 in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    /// Since the year 1.
    seconds: i64,
    nanos: u32,
    zone: Zone,
}

/// A time zone, as far as it is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Zone {
    /// UTC.
    #[default]
    Utc,
    /// Seconds east of UTC; also 0, which Go tells from UTC.
    Offset(i32),
}

/// From the year 1 to the year 1970, in seconds.
const UNIX_EPOCH: i64 = 62_135_596_800;

impl Time {
    /// A moment by its seconds since 1970, and nanoseconds. Those above 999,999,999 are seconds.
    #[must_use]
    pub fn from_unix(seconds: i64, nanos: u32, zone: Zone) -> Self {
        let carry = i64::from(nanos / 1_000_000_000);
        let seconds = seconds.saturating_add(carry).saturating_add(UNIX_EPOCH);
        Self { seconds, nanos: nanos % 1_000_000_000, zone }
    }

    /// Seconds since 1970.
    #[must_use]
    pub fn unix_seconds(&self) -> i64 {
        self.seconds.saturating_sub(UNIX_EPOCH)
    }

    /// Nanoseconds of the second.
    #[must_use]
    pub fn nanos(&self) -> u32 {
        self.nanos
    }

    /// The zone.
    #[must_use]
    pub fn zone(&self) -> Zone {
        self.zone
    }

    /// The same moment for the system's functions, if they reach so far.
    #[must_use]
    pub fn to_system_time(&self) -> Option<SystemTime> {
        let whole = Duration::from_secs(self.unix_seconds().unsigned_abs());
        let at = match self.unix_seconds() {
            0.. => SystemTime::UNIX_EPOCH.checked_add(whole),
            _ => SystemTime::UNIX_EPOCH.checked_sub(whole),
        };
        at?.checked_add(Duration::from_nanos(u64::from(self.nanos)))
    }

    /// Reads what `time.Time.MarshalBinary` wrote: a version, seconds, nanoseconds, minutes east of UTC where -1 is
    /// UTC itself, and in version 2 seconds of the offset. `None` if that is not it.
    #[must_use]
    pub fn from_binary(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first()?;
        let (seconds, rest) = rest.split_first_chunk::<8>()?;
        let (nanos, rest) = rest.split_first_chunk::<4>()?;
        let (minutes, rest) = rest.split_first_chunk::<2>()?;
        let seconds_of_offset = match (version, rest) {
            (1, []) => 0,
            (2, [seconds]) => i32::from(seconds.cast_signed()),
            _ => return None,
        };
        let nanos = u32::from_be_bytes(*nanos);
        let zone = match i16::from_be_bytes(*minutes) {
            -1 if seconds_of_offset == 0 => Zone::Utc,
            minutes => Zone::Offset(i32::from(minutes) * 60 + seconds_of_offset),
        };
        (nanos < 1_000_000_000).then_some(Self { seconds: i64::from_be_bytes(*seconds), nanos, zone })
    }

    /// What `time.Time.MarshalBinary` would write.
    ///
    /// # Errors
    /// If the offset is more than Go can write, or a minute west, which would be UTC.
    pub(crate) fn to_binary(self) -> Result<([u8; 16], usize), EncodeError> {
        let (minutes, seconds) = match self.zone {
            Zone::Utc => (-1, 0),
            Zone::Offset(offset) => {
                let minutes = i16::try_from(offset / 60).ok().filter(|minutes| *minutes != -1);
                let minutes = minutes.ok_or_else(|| {
                    EncodeError::custom(format_args!(
                        "time.Time cannot be sent with a zone of {offset} seconds"
                    ))
                })?;
                (minutes, i8::try_from(offset % 60).expect("less than 60"))
            }
        };
        let mut bytes = [0; 16];
        bytes[0] = if seconds == 0 { 1 } else { 2 };
        bytes[1..9].copy_from_slice(&self.seconds.to_be_bytes());
        bytes[9..13].copy_from_slice(&self.nanos.to_be_bytes());
        bytes[13..15].copy_from_slice(&minutes.to_be_bytes());
        bytes[15] = seconds.cast_unsigned();
        Ok((bytes, if seconds == 0 { 15 } else { 16 }))
    }

    /// Reads RFC 3339.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let (date, time) = text.split_once(['T', 't', ' '])?;
        let mut date = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
        let (year, month, day) = (date.next()??, date.next()??, date.next()??);
        let end = time.find(['Z', 'z', '+', '-'])?;
        let (clock, zone) = time.split_at(end);
        let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
        let clock = seconds_of(clock, 3)?;
        let zone = match zone {
            "Z" | "z" => Zone::Utc,
            _ => {
                let offset = i32::try_from(seconds_of(&zone[1..], 2)? * 60).ok()?;
                Zone::Offset(if zone.starts_with('-') { -offset } else { offset })
            }
        };
        let digits = fraction.len() <= 9 && fraction.bytes().all(|digit| digit.is_ascii_digit());
        let nanos = digits.then(|| format!("{fraction:0<9}").parse().ok())??;
        if !(1..=12).contains(&month)
            || !(1..=31).contains(&day)
            || clock >= 86_400
            || !(0..=9999).contains(&year)
        {
            return None;
        }
        let offset = if let Zone::Offset(offset) = zone { i64::from(offset) } else { 0 };
        let seconds = days_before(year, month, day) * 86_400 + clock - offset;
        Some(Self { seconds, nanos, zone })
    }
}

/// `hh:mm:ss` or `hh:mm`, the last one counted as ones.
fn seconds_of(clock: &str, parts: usize) -> Option<i64> {
    let mut total = 0;
    let mut count = 0;
    for part in clock.split(':') {
        let is_pair = part.len() == 2 && part.bytes().all(|digit| digit.is_ascii_digit());
        total = total * 60 + is_pair.then(|| part.parse::<i64>().ok())??;
        count += 1;
    }
    (count == parts).then_some(total)
}

/// Days from the first of the year 1 to this one. Years begin in March here, so that leap days are last.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let days = 365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    days + (153 * ((month + 9) % 12) + 2) / 5 + day - 307
}

/// Year, month and day, as [`days_before`] counts them.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 306;
    let era = days.div_euclid(146_097);
    let day = days.rem_euclid(146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + carry, month, date)
}

/// RFC 3339, as Go prints it: with as many digits of the second as there are.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = if let Zone::Offset(offset) = self.zone { offset } else { 0 };
        let seconds = self.seconds.saturating_add(i64::from(offset));
        let ((year, month, day), clock) = (date_of(seconds.div_euclid(86_400)), seconds.rem_euclid(86_400));
        let (hour, minute, second) = (clock / 3_600, clock / 60 % 60, clock % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if self.nanos > 0 {
            write!(f, ".{}", format!("{:09}", self.nanos).trim_end_matches('0'))?;
        }
        match self.zone {
            Zone::Utc => f.write_str("Z"),
            Zone::Offset(offset) => {
                let (sign, offset) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs());
                write!(f, "{sign}{:02}:{:02}", offset / 3_600, offset / 60 % 60)
            }
        }
    }
}

impl From<SystemTime> for Time {
    fn from(time: SystemTime) -> Self {
        let (seconds, nanos) = match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => (i64::try_from(since.as_secs()).unwrap_or(i64::MAX), since.subsec_nanos()),
            Err(before) => {
                let before = before.duration();
                let whole = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
                match before.subsec_nanos() {
                    0 => (-whole, 0),
                    nanos => (-whole - 1, 1_000_000_000 - nanos),
                }
            }
        };
        Self::from_unix(seconds, nanos, Zone::Utc)
    }
}

impl Gob for Time {
    fn go_type() -> GoType {
        GoType::new::<Self>(Kind::Marshaled(Marshaler::Gob, "Time"))
    }

    fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        let (bytes, len) = self.to_binary()?;
        writer.bytes(&bytes[..len]);
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return deserializer.deserialize_str(TimeVisitor);
        }
        deserializer.deserialize_newtype_struct(through_serde::MARSHALED, TimeVisitor)
    }
}

struct TimeVisitor;

impl<'de> Visitor<'de> for TimeVisitor {
    type Value = Time;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("time.Time")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Time, E> {
        match bytes {
            [] => Ok(Time::default()),
            _ => Time::from_binary(bytes).ok_or_else(|| E::custom("bytes that are no time.Time")),
        }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Time, E> {
        Time::from_text(text).ok_or_else(|| E::custom(format_args!("no time of RFC 3339: {text:?}")))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Time, D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_counted_from_the_year_1_and_back() {
        assert_eq!(days_before(1, 1, 1), 0);
        assert_eq!(days_before(1970, 1, 1) * 86_400, UNIX_EPOCH);
        let mut date = (1, 1, 1);
        for days in 0..800_000 {
            assert_eq!(date_of(days), date, "day {days}");
            assert_eq!(days_before(date.0, date.1, date.2), days);
            let is_leap = date.0 % 4 == 0 && (date.0 % 100 != 0 || date.0 % 400 == 0);
            let len = match date.1 {
                2 => 28 + i64::from(is_leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            date = match date {
                (year, 12, 31) => (year + 1, 1, 1),
                (year, month, day) if day == len => (year, month + 1, 1),
                (year, month, day) => (year, month, day + 1),
            };
        }
    }

    #[test]
    fn text_is_rfc_3339() {
        for text in [
            "0001-01-01T00:00:00Z",
            "1969-12-31T23:59:59.999999999Z",
            "2026-11-30T08:23:15+01:00",
            "2024-02-29T12:00:00.5-03:30",
        ] {
            let time = Time::from_text(text).expect(text);
            assert_eq!(time.to_string(), text);
            let (bytes, len) = time.to_binary().unwrap();
            assert_eq!(Time::from_binary(&bytes[..len]), Some(time));
        }
        assert_eq!(Time::from_text("1970-01-01T00:00:00Z").unwrap().unix_seconds(), 0);
        for text in ["", "2026-11-30", "2026-13-01T00:00:00Z", "2026-01-01T25:00:00Z", "2026-01-01T00:00Z"] {
            assert_eq!(Time::from_text(text), None, "{text}");
        }
    }

    #[test]
    fn goes_to_the_system_and_back() {
        for (seconds, nanos) in [(0, 0), (1, 5), (-1, 999_999_999), (-5, 0), (1_700_000_000, 7)] {
            let time = Time::from_unix(seconds, nanos, Zone::Utc);
            assert_eq!(Time::from(time.to_system_time().unwrap()), time, "{seconds} {nanos}");
        }
    }

    #[test]
    fn the_minute_west_of_utc_cannot_be_sent() {
        for offset in [-60, -90, 32_768 * 60] {
            let time = Time::from_unix(0, 0, Zone::Offset(offset));
            assert!(time.to_binary().unwrap_err().to_string().contains(&format!("{offset} seconds")));
        }
        for offset in [-59, -3_635, 59, 0, 7_199] {
            let time = Time::from_unix(0, 0, Zone::Offset(offset));
            let (bytes, len) = time.to_binary().unwrap();
            assert_eq!(Time::from_binary(&bytes[..len]), Some(time));
        }
    }
}
