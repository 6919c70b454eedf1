//! `OpeningHours`: A span of local time in which a service is open. If `closes` is not after `opens`, it is on the next day: the same times are 24 hours.
//!
//! Written by `cargo xtask generate` from schema/components/opening_hours.yaml; do not edit.

use runtime::prelude::*;

/// A span of local time in which a service is open. If `closes` is not after `opens`, it is on the next day: the same times are 24 hours.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OpeningHours {
    pub day: Option<OpeningHoursDay>, // Day of the week; without it every day in the period.
    pub opens: Option<Time>, // Local opening time; without it the service is closed.
    pub closes: Option<Time>, // Local closing time; without it the end of the day.
    pub valid_from: Option<Date>, // First day on which these hours apply; a shorter period replaces a longer one.
    pub valid_through: Option<Date>, // Last day on which these hours apply.
}

runtime::component!(OpeningHours, OPENING_HOURS, [day, opens, closes, valid_from, valid_through]);

pub static OPENING_HOURS: ComponentInfo = ComponentInfo {
    name: "OpeningHours", tag: "opening_hours",
    fields: &[
        FieldInfo::new("day", "day", Shape::Enum(&OPENING_HOURS_DAY)),
        FieldInfo::new("opens", "opens", Shape::Scalar(Kind::Time)),
        FieldInfo::new("closes", "closes", Shape::Scalar(Kind::Time)),
        FieldInfo::new("validFrom", "valid_from", Shape::Scalar(Kind::Date)),
        FieldInfo::new("validThrough", "valid_through", Shape::Scalar(Kind::Date)),
    ],
};

runtime::choice! {
    /// Day of the week; without it every day in the period.
    pub enum OpeningHoursDay {
        Monday = "monday", Tuesday = "tuesday", Wednesday = "wednesday", Thursday = "thursday", Friday = "friday",
        Saturday = "saturday", Sunday = "sunday",
    }
}

pub static OPENING_HOURS_DAY: EnumInfo = EnumInfo { name: "OpeningHoursDay", values: &[
    ("monday", "MONDAY"), ("tuesday", "TUESDAY"), ("wednesday", "WEDNESDAY"), ("thursday", "THURSDAY"),
    ("friday", "FRIDAY"), ("saturday", "SATURDAY"), ("sunday", "SUNDAY"),
] };
