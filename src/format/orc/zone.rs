//! The zone of a writer, by the name that it wrote.
//!
//! Writers in Java write what Java calls the machine's zone: a name of the zone database, one of
//! Java's own short names, or an offset such as `GMT+08:00`. Names are looked up in the database
//! that is part of the program: what a file means must not depend on what is installed.

use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};

/// Zones in which a clock shows UTC.
const UTC: [&str; 9] = ["", "UTC", "GMT", "UT", "Etc/UTC", "Etc/GMT", "Z", "Zulu", "Etc/UCT"];

/// The short names of Java (`java.time.ZoneId.SHORT_IDS`), which are not those that people use: IST
/// is India, BST Bangladesh.
const SHORT_NAMES: [(&str, &str); 28] = [
    ("ACT", "Australia/Darwin"),
    ("AET", "Australia/Sydney"),
    ("AGT", "America/Argentina/Buenos_Aires"),
    ("ART", "Africa/Cairo"),
    ("AST", "America/Anchorage"),
    ("BET", "America/Sao_Paulo"),
    ("BST", "Asia/Dhaka"),
    ("CAT", "Africa/Harare"),
    ("CNT", "America/St_Johns"),
    ("CST", "America/Chicago"),
    ("CTT", "Asia/Shanghai"),
    ("EAT", "Africa/Addis_Ababa"),
    ("ECT", "Europe/Paris"),
    ("EST", "-05:00"),
    ("HST", "-10:00"),
    ("IET", "America/Indiana/Indianapolis"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("MIT", "Pacific/Apia"),
    ("MST", "-07:00"),
    ("NET", "Asia/Yerevan"),
    ("NST", "Pacific/Auckland"),
    ("PLT", "Asia/Karachi"),
    ("PNT", "America/Phoenix"),
    ("PRT", "America/Puerto_Rico"),
    ("PST", "America/Los_Angeles"),
    ("SST", "Pacific/Guadalcanal"),
    ("VST", "Asia/Ho_Chi_Minh"),
];

/// The zone of this name; `None` if its clock shows UTC.
pub(super) fn zone(name: &str) -> Result<Option<TimeZone>, String> {
    if UTC.contains(&name) {
        return Ok(None);
    }
    let short = SHORT_NAMES.iter().find(|(short, _)| *short == name);
    let name = short.map_or(name, |(_, long)| long);
    if let Some(offset) = offset(name) {
        return Ok(Some(TimeZone::fixed(offset)));
    }
    TimeZoneDatabase::bundled().get(name).map(Some).map_err(|_| {
        format!(
            "its dates are of the time zone {name:?}, which is neither in the zone database, nor \
             one of Java's names, nor an offset like GMT+08:00; write the file again in UTC"
        )
    })
}

/// The offset in a name such as `GMT+08:00`, `UTC-3` or `+0530`.
fn offset(name: &str) -> Option<Offset> {
    let prefixes = ["GMT", "UTC", "UT", ""];
    let signed = prefixes
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix).filter(|rest| rest.starts_with(['+', '-'])))?;
    let (sign, digits) = signed.split_at(1);
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (hours, minutes, seconds) = match digits.split(':').collect::<Vec<_>>()[..] {
        // Without a colon, minutes take the last two digits.
        [all] if all.len() > 2 => {
            let (hours, minutes) = all.split_at_checked(all.len() - 2)?;
            (hours, minutes, "00")
        }
        [hours] => (hours, "00", "00"),
        [hours, minutes] => (hours, minutes, "00"),
        [hours, minutes, seconds] => (hours, minutes, seconds),
        _ => return None,
    };
    let fits = hours.len() <= 2 && minutes.len() == 2 && seconds.len() == 2;
    if !fits || ![hours, minutes, seconds].iter().all(|part| is_number(part)) {
        return None;
    }
    let number = |text: &str, most: i32| text.parse().ok().filter(|number| *number <= most);
    let hours: i32 = number(hours, 23)?;
    let of_day = hours * 3_600 + number(minutes, 59)? * 60 + number(seconds, 59)?;
    Offset::from_seconds(if sign == "-" { -of_day } else { of_day }).ok()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    /// What the clock of a zone is ahead of UTC in winter and summer of 2024, in minutes.
    fn ahead(name: &str) -> [i32; 2] {
        ["2024-01-15T00:00:00Z", "2024-07-15T00:00:00Z"].map(|text| {
            let instant: Timestamp = text.parse().unwrap();
            zone(name).unwrap().map_or(0, |zone| zone.to_offset(instant).seconds() / 60)
        })
    }

    #[test]
    fn short_names_are_those_of_java() {
        for (name, expected) in [
            ("PST", [-480, -420]),
            ("CST", [-360, -300]),
            ("IST", [330, 330]),
            ("JST", [540, 540]),
            ("BST", [360, 360]),
            ("ECT", [60, 120]),
            ("NST", [780, 720]),
            ("EST", [-300, -300]),
            ("MST", [-420, -420]),
            ("HST", [-600, -600]),
            ("PNT", [-420, -420]),
            ("SST", [660, 660]),
            ("CNT", [-210, -150]),
        ] {
            assert_eq!(ahead(name), expected, "{name}");
        }
        for (name, _) in SHORT_NAMES {
            assert!(zone(name).is_ok(), "{name}");
        }
        assert!(SHORT_NAMES.is_sorted());
    }

    #[test]
    fn offsets_are_read_as_java_reads_them() {
        for (name, expected) in [
            ("GMT+08:00", 480),
            ("GMT+8", 480),
            ("GMT+08", 480),
            ("GMT-0330", -210),
            ("GMT+530", 330),
            ("GMT+5:30", 330),
            ("UTC+08:00", 480),
            ("UT-08:00", -480),
            ("+05:30", 330),
            ("-01:00:00", -60),
            ("GMT+00:00", 0),
        ] {
            assert_eq!(ahead(name), [expected; 2], "{name}");
        }
        // In the zone database's own names, the sign is the other way round.
        assert_eq!(ahead("Etc/GMT-8"), [480; 2]);
    }

    #[test]
    fn zones_of_the_database_need_nothing_installed() {
        for (name, expected) in [
            ("America/Los_Angeles", [-480, -420]),
            ("Asia/Kolkata", [330, 330]),
            ("Asia/Calcutta", [330, 330]),
            ("US/Pacific", [-480, -420]),
            ("EST5EDT", [-300, -240]),
            ("PRC", [480, 480]),
            ("UCT", [0, 0]),
        ] {
            assert_eq!(ahead(name), expected, "{name}");
        }
    }

    #[test]
    fn other_names_are_refused() {
        for name in [
            "XST",
            "GMT+",
            "GMT+24",
            "GMT+8:0",
            "GMT+8:60",
            "GMT+08:00:00:00",
            "GMT+12345",
            "GMT+-8",
            "+é8",
            "8",
            "GMT8",
            "Mars/Olympus",
            "GMT+08:",
        ] {
            let fault = zone(name).unwrap_err();
            assert!(fault.contains(name) && fault.contains("in UTC"), "{fault}");
        }
    }
}
