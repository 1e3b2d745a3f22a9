//! The `Date` header's text, from seconds since 1970. The clock is the caller's: this crate has none.

/// An IMF-fixdate such as `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7).
pub type FixDate = [u8; 29];

const DAYS: &[u8; 21] = b"ThuFriSatSunMonTueWed";
const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";

/// Writes `unix_seconds` as an IMF-fixdate. Years beyond 9999 come out as 9999.
#[must_use]
pub fn fixdate(unix_seconds: u64) -> FixDate {
    let days = unix_seconds / 86_400;
    let second = unix_seconds % 86_400;
    let (year, month, day) = civil(days);
    let mut text = *b"Thu, 01 Jan 1970 00:00:00 GMT";
    let weekday = index(days % 7) * 3;
    text[..3].copy_from_slice(&DAYS[weekday..weekday + 3]);
    two_digits(&mut text[5..7], day);
    text[8..11].copy_from_slice(&MONTHS[index(month - 1) * 3..index(month) * 3]);
    two_digits(&mut text[12..14], year / 100);
    two_digits(&mut text[14..16], year % 100);
    two_digits(&mut text[17..19], second / 3600);
    two_digits(&mut text[20..22], second / 60 % 60);
    two_digits(&mut text[23..25], second % 60);
    text
}

/// Year, month (1–12) and day (1–31) of a day counted from 1970-01-01, in the Gregorian calendar.
///
/// Years are counted from March, so that the leap day is the last one of its year.
fn civil(days: u64) -> (u64, u64, u64) {
    const DAYS_TO_MARCH_OF_YEAR_0: u64 = 719_468;
    let days = days + DAYS_TO_MARCH_OF_YEAR_0;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year.min(9_999), month, day)
}

fn two_digits(place: &mut [u8], number: u64) {
    place[0] = b'0' + digit(number / 10 % 10);
    place[1] = b'0' + digit(number % 10);
}

#[allow(clippy::cast_possible_truncation, reason = "callers pass 0 to 9")]
fn digit(number: u64) -> u8 {
    number as u8
}

#[allow(clippy::cast_possible_truncation, reason = "callers pass 0 to 12")]
fn index(number: u64) -> usize {
    number as usize
}

#[cfg(test)]
mod tests {
    use super::fixdate;

    #[test]
    fn writes_known_dates() {
        let table: [(u64, &str); 8] = [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_078_099_199, "Sun, 29 Feb 2004 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
            (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ];
        for (seconds, text) in table {
            assert_eq!(std::str::from_utf8(&fixdate(seconds)), Ok(text), "{seconds}");
        }
    }
}
