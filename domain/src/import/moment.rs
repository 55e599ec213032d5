//! Times as spreadsheets and other systems write them.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, TimeDelta, Utc};

use super::shortened;
use crate::{
    refusal::FieldError,
    time::{self, Timestamp},
};

/// Year, month and day, then the time of day if there is one; read in Asia/Shanghai.
const CIVIL: &[&str] = &["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"];
const DATE: &str = "%Y-%m-%d";

/// Excel counts days from here, so that its 60 is the 29 February 1900 which never was.
const SERIAL_ORIGIN: Option<NaiveDate> = NaiveDate::from_ymd_opt(1899, 12, 30);

/// Reads `2019/2/28 11:25:05`, `2019-08-01 00:00`, `2019年8月1日`, a date alone (00:00), RFC 3339,
/// or a serial number of Excel (43524.476). Without an offset it is the time of Asia/Shanghai.
///
/// # Errors
/// None of these, or outside the years 1990–2100.
pub fn moment(field: &str, given: &str) -> Result<Timestamp, FieldError> {
    let text = given.trim();
    let read = DateTime::parse_from_rfc3339(text)
        .map(|at| at.with_timezone(&Utc))
        .ok()
        .or_else(|| civil(text).map(time::instant))
        .or_else(|| serial(text).map(time::instant));
    let within = |at: &Timestamp| (1990..=2100).contains(&chrono::Datelike::year(&time::date(*at)));
    read.filter(within).ok_or_else(|| {
        let reason =
            format!("读不懂时间“{}”，要写成 2019/2/28 11:25:05 或 2019-02-28", shortened(given));
        FieldError::new(field, reason)
    })
}

/// Reads a day alone, in the same forms; also of people who were born long ago.
///
/// # Errors
/// None of these, or outside the years 1900–2100.
pub fn day(field: &str, given: &str) -> Result<NaiveDate, FieldError> {
    let text = given.trim();
    let read = civil(text).or_else(|| serial(text)).map(|at| at.date());
    let within = |day: &NaiveDate| (1900..=2100).contains(&chrono::Datelike::year(day));
    read.filter(within).ok_or_else(|| {
        let reason = format!("读不懂日期“{}”，要写成 1990-01-02 或 1990/1/2", shortened(given));
        FieldError::new(field, reason)
    })
}

fn civil(text: &str) -> Option<NaiveDateTime> {
    let text = text.replace(['/', '.', '年', '月'], "-").replace(['日', 'T'], " ");
    // The fraction of a second is written with a point, which was replaced with the date's.
    let text = match text.matches('-').count() {
        3 => text.rsplit_once('-').map(|(whole, fraction)| format!("{whole}.{fraction}"))?,
        _ => text,
    };
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    CIVIL.iter().find_map(|format| NaiveDateTime::parse_from_str(&text, format).ok()).or_else(
        || {
            NaiveDate::parse_from_str(&text, DATE)
                .ok()
                .map(|day| day.and_time(chrono::NaiveTime::MIN))
        },
    )
}

/// Excel's days and parts of a day, to the second.
fn serial(text: &str) -> Option<NaiveDateTime> {
    let (days, part) = text.split_once('.').unwrap_or((text, "0"));
    let days: u64 = days.parse().ok()?;
    if !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part: f64 = format!("0.{part}").parse().ok()?;
    // 86,400 in the worst case, so that no step of this can lose anything.
    let seconds = format!("{:.0}", part * 86_400.0).parse().ok()?;
    let day = SERIAL_ORIGIN?.checked_add_days(Days::new(days))?;
    day.and_time(chrono::NaiveTime::MIN).checked_add_signed(TimeDelta::try_seconds(seconds)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        moment("posted_at", text)
            .ok()
            .map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
    }

    #[test]
    fn the_forms_of_the_real_files_are_read() {
        for (given, wanted) in [
            ("2019/2/28 11:25:05", "2019-02-28T03:25:05Z"),
            ("2019/11/22 9:32:09", "2019-11-22T01:32:09Z"),
            ("2019-08-01 00:00:00", "2019-07-31T16:00:00Z"),
            ("\t2019-08-01 00:00:00 ", "2019-07-31T16:00:00Z"),
            ("2019-08-01T07:30:00", "2019-07-31T23:30:00Z"),
            ("2019-08-01 00:00:00.250", "2019-07-31T16:00:00.250Z"),
            ("2019/2/28 11:25", "2019-02-28T03:25:00Z"),
            ("2019/2/28", "2019-02-27T16:00:00Z"),
            ("2019.2.28", "2019-02-27T16:00:00Z"),
            ("2019年2月28日", "2019-02-27T16:00:00Z"),
            ("2019年2月28日 11:25:05", "2019-02-28T03:25:05Z"),
            ("2019-02-28T11:25:05+08:00", "2019-02-28T03:25:05Z"),
            ("2019-02-28T03:25:05Z", "2019-02-28T03:25:05Z"),
        ] {
            assert_eq!(read(given).as_deref(), Some(wanted), "{given}");
        }
    }

    #[test]
    fn serial_numbers_are_read_to_the_second() {
        // 43524 is 2019-02-28 in Excel; 11:25:05 is 41105 of 86400 seconds.
        assert_eq!(read("43524").as_deref(), Some("2019-02-27T16:00:00Z"));
        assert_eq!(read("43524.475752314816").as_deref(), Some("2019-02-28T03:25:05Z"));
        assert_eq!(read("43524.9999999").as_deref(), Some("2019-02-28T16:00:00Z"));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for bad in [
            "",
            " ",
            "昨天",
            "2019",
            "2019/2/30",
            "2019/13/1",
            "2019/2/28 25:00:00",
            "28/2/2019",
            "12345678",
            "1e5",
            "-5",
            "43524.5x",
            "1889-01-01",
            "99999-01-01",
            "2019-02-28 11:25:05 PM",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
