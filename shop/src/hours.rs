//! The opening hours of services: the fields that answer them, and what is refused when a service is saved.

use generated::component::{OpeningHours as Row, OpeningHoursDay as Day};
use generated::content::{Service, ServiceComputed};
use runtime::hours::{self, Hours, OpeningHours, Weekday};
use runtime::prelude::*;

use crate::Site;

impl ServiceComputed for Site {
    async fn is_open(&self, services: &[Service], at: Option<Timestamp>, _: &ReadCx<'_>) -> Result<Vec<bool>> {
        let at = at.unwrap_or_else(Timestamp::now);
        services.iter().map(|service| Ok(hours_of(service)?.is_open(at))).collect()
    }

    async fn next_opening(
        &self,
        services: &[Service],
        from: Option<Timestamp>,
        _: &ReadCx<'_>,
    ) -> Result<Vec<Option<Timestamp>>> {
        let from = from.unwrap_or_else(Timestamp::now);
        services.iter().map(|service| Ok(hours_of(service)?.next_opening(from))).collect()
    }

    async fn next_closing(
        &self,
        services: &[Service],
        from: Option<Timestamp>,
        _: &ReadCx<'_>,
    ) -> Result<Vec<Option<Timestamp>>> {
        let from = from.unwrap_or_else(Timestamp::now);
        services.iter().map(|service| Ok(hours_of(service)?.next_closing(from))).collect()
    }
}

pub struct ServiceHooks;

impl Hooks<Service> for ServiceHooks {
    async fn before_save(&self, _: &mut Cx<'_>, _: Option<&Service>, service: &mut Service) -> Result<()> {
        let hours = hours_of(service).map_err(|error| error.under("timeZone"))?;
        hours::check(&hours.rows).map_err(|error| error.under("openingHours"))
    }
}

fn hours_of(service: &Service) -> Result<OpeningHours> {
    let zone = hours::zone(service.time_zone.as_deref().unwrap_or("UTC"))?;
    Ok(OpeningHours { zone, rows: service.opening_hours.iter().map(row).collect() })
}

fn row(row: &Row) -> Hours {
    let Row { day, opens, closes, valid_from, valid_through } = *row;
    Hours { day: day.map(weekday), opens, closes, valid_from, valid_through }
}

fn weekday(day: Day) -> Weekday {
    match day {
        Day::Monday => Weekday::Monday,
        Day::Tuesday => Weekday::Tuesday,
        Day::Wednesday => Weekday::Wednesday,
        Day::Thursday => Weekday::Thursday,
        Day::Friday => Weekday::Friday,
        Day::Saturday => Weekday::Saturday,
        Day::Sunday => Weekday::Sunday,
    }
}
