//! Times and sizes in few characters, for people.

/// Milliseconds as `0.4s`, `45s`, `12m05s`, `3h12m`, `4d03h`.
pub(super) fn short_ms(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0..10 => format!("{seconds}.{}s", ms % 1_000 / 100),
        10..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// Bytes as `512B`, `1.5KiB`, `20MiB`: rounded down.
pub(super) fn short_size(bytes: u64) -> String {
    let mut unit = 0;
    let mut tenths = u128::from(bytes) * 10;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1_024;
        unit += 1;
    }
    let (whole, tenth) = (tenths / 10, tenths % 10);
    let tenth = if whole < 10 && tenth > 0 { format!(".{tenth}") } else { String::new() };
    format!("{whole}{tenth}{}", UNITS[unit])
}

const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// A time of day in UTC, of milliseconds since the Unix epoch: `12:34:56.789Z`.
pub(super) fn time_of_day(ms: u64) -> String {
    let (seconds, ms) = (ms / 1_000 % 86_400, ms % 1_000);
    format!("{:02}:{:02}:{:02}.{ms:03}Z", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_short() {
        let times = [
            (0, "0.0s"),
            (450, "0.4s"),
            (9_999, "9.9s"),
            (10_000, "10s"),
            (65_000, "1m05s"),
            (3_600_000, "1h00m"),
            (90_000_000, "1d01h"),
        ];
        for (ms, shown) in times {
            assert_eq!(short_ms(ms), shown);
        }
        let sizes = [
            (0, "0B"),
            (1_023, "1023B"),
            (1_024, "1KiB"),
            (1_500, "1.4KiB"),
            (20 << 20, "20MiB"),
            (u64::MAX, "15EiB"),
        ];
        for (bytes, shown) in sizes {
            assert_eq!(short_size(bytes), shown);
        }
        assert_eq!(time_of_day(1_700_000_000_123), "22:13:20.123Z");
    }
}
