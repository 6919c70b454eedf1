//! Opening hours for the site's own code, with the time zones of the machine or, if it has none, those of the build.

use jiff::tz::TimeZone;

pub use jiff::civil::Weekday;
pub use model::hours::{Hours, OpeningHours};

use base::error::{Code, Error, Problem, Result, Step};

/// The IANA time zone of this name.
pub fn zone(name: &str) -> Result<TimeZone> {
    TimeZone::get(name).map_err(|_| {
        let message = format!("`{}` is not an IANA time zone such as `Europe/Vienna`", model::cut(name));
        Error::new(Code::InvalidValue, message)
    })
}

/// Refuses rows that make no sense. The path starts at the list.
pub fn check(rows: &[Hours]) -> Result<()> {
    match rows.iter().enumerate().find_map(|(index, row)| Some((index, row.fault()?))) {
        None => Ok(()),
        Some((index, (field, message))) => {
            Err(Problem::new(Code::InvalidValue, message).at([Step::Index(index), Step::from(field)]).into())
        }
    }
}
