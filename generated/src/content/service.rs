//! `Service`: A bookable service, such as a repair, a fitting or a course.
//!
//! Written by `cargo xtask generate` from schema/service.yaml; do not edit.

use crate::component::{
    AREA, Area, CALL_TO_ACTION, CallToAction, FAQ, Faq, GALLERY, Gallery, OPENING_HOURS, OpeningHours, SEO, Seo, TEXT,
    Text,
};
use crate::content::{CATEGORY, Category, MEDIA, Media, POST, PRODUCT, Product, TAG, Tag};
use runtime::prelude::*;

/// A bookable service, such as a repair, a fitting or a course.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Service {
    pub id: Id<Self>,
    pub revision: i64, // Counts the changes.
    pub status: EntryStatus, // Where the entry stands between draft and published.
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub published_at: Option<Timestamp>, // When it was last published.
    pub first_published_at: Option<Timestamp>,
    pub created_by: Option<Id<User>>,
    pub updated_by: Option<Id<User>>,
    pub published_by: Option<Id<User>>, // Who last published it.
    pub name: String, // Name as customers see it.
    pub slug: String, // URL slug of the service.
    pub summary: Option<String>, // A sentence or two for lists and search results.
    pub description: Option<String>, // The full description.
    pub categories: ToMany<Id<Category>>, // Categories, the main one first.
    pub tags: ToMany<Id<Tag>>, // Topics it belongs to.
    pub price: Option<Money>, // Price for one unit.
    pub price_unit: ServicePriceUnit, // Unit of the price.
    pub duration: Option<Duration>, // How long it takes.
    pub buffer_before: Option<Duration>, // Time kept free before it.
    pub buffer_after: Option<Duration>, // Time kept free after it.
    pub capacity: Option<i32>, // How many people can take part at once.
    pub lead_time: Option<Duration>, // Minimum notice for a booking.
    pub booking_horizon: Option<Duration>, // How far in advance it can be booked.
    pub location_mode: ServiceLocationMode, // Place of the service.
    pub area_served: Vec<Area>, // Regions in which it is offered.
    pub time_zone: Option<String>, // IANA time zone of the opening hours, such as `Europe/Berlin`.
    pub opening_hours: Vec<OpeningHours>, // Weekly hours in local time; of the rows for a date, those with the shortest period count.
    pub booking_url: Option<String>, // Link to the booking page.
    pub cancellation_policy: Option<String>, // Deadline and cost of a cancellation.
    pub images: ToMany<Id<Media>>, // Pictures, the main one first.
    pub body: Vec<ServiceBodyBlock>, // Sections of the service's page.
    pub products: ToMany<Id<Product>>, // Products that go with it.
    pub seo: Option<Seo>, // Metadata for search engines and social networks.
    pub external_ref: Option<String>, // Key of the service in the system that it comes from.
}

runtime::entry!(Service, SERVICE, [
    name, slug, summary, description, categories, tags, price, price_unit, duration, buffer_before, buffer_after,
    capacity, lead_time, booking_horizon, location_mode, area_served, time_zone, opening_hours, booking_url,
    cancellation_policy, images, body, products, seo, external_ref,
]);

pub static SERVICE: ContentInfo = ContentInfo {
    name: "Service", table: "service", former: &[], plural: "services", drafts: true, counted: true, retention: Retention::DEFAULT, owner: None, path: &[PathPart::Text("services"), PathPart::Slug("slug")], search: Some(&SearchInfo { language: "english", texts: &[SearchText { path: &["name"], weight: Some(SearchWeight::A), exact: false }, SearchText { path: &["summary"], weight: Some(SearchWeight::B), exact: false }, SearchText { path: &["description"], weight: Some(SearchWeight::C), exact: false }, SearchText { path: &["body"], weight: Some(SearchWeight::D), exact: false }, SearchText { path: &["categories", "name"], weight: Some(SearchWeight::B), exact: false }, SearchText { path: &["tags", "name"], weight: Some(SearchWeight::C), exact: false }, SearchText { path: &["slug"], weight: None, exact: true }], synonyms: &[], stop_words: &[], boosts: &[], recency: None, facets_type: "ServiceFacets", facets: &[FacetInfo { field: "categories", type_name: "CategoryFacet" }, FacetInfo { field: "tags", type_name: "TagFacet" }, FacetInfo { field: "price", type_name: "" }, FacetInfo { field: "price_unit", type_name: "FacetValue" }, FacetInfo { field: "duration", type_name: "" }, FacetInfo { field: "location_mode", type_name: "FacetValue" }, FacetInfo { field: "images", type_name: "MediaFacet" }, FacetInfo { field: "products", type_name: "ProductFacet" }] }), unique: &[],
    fields: &[
        FieldInfo::new("name", "name", Shape::Scalar(Kind::String)).required().filterable().sortable().max("200"),
        FieldInfo::new("slug", "slug", Shape::Scalar(Kind::Slug)).required().unique(&[]).filterable().from("name"),
        FieldInfo::new("summary", "summary", Shape::Scalar(Kind::Text)).max("500"),
        FieldInfo::new("description", "description", Shape::Scalar(Kind::Markdown)),
        FieldInfo::new("categories", "categories", Shape::many(&[&CATEGORY], "Category", OnDelete::Restrict, "service_categories", &["target_id"]).listed(&["service_categories"])),
        FieldInfo::new("tags", "tags", Shape::many(&[&TAG], "Tag", OnDelete::SetNull, "service_tags", &["target_id"]).listed(&["service_tags"])),
        FieldInfo::new("price", "price", Shape::Scalar(Kind::Money)).required_to_publish().filterable().sortable().min("0"),
        FieldInfo::new("priceUnit", "price_unit", Shape::Enum(&SERVICE_PRICE_UNIT)).required().default(r#""FIXED""#).filterable(),
        FieldInfo::new("duration", "duration", Shape::Scalar(Kind::Duration)).filterable().sortable().min("PT1M").max("P7D"),
        FieldInfo::new("bufferBefore", "buffer_before", Shape::Scalar(Kind::Duration)).max("P1D"),
        FieldInfo::new("bufferAfter", "buffer_after", Shape::Scalar(Kind::Duration)).max("P1D"),
        FieldInfo::new("capacity", "capacity", Shape::Scalar(Kind::Integer)).default("1").min("1").max("10000"),
        FieldInfo::new("leadTime", "lead_time", Shape::Scalar(Kind::Duration)),
        FieldInfo::new("bookingHorizon", "booking_horizon", Shape::Scalar(Kind::Duration)),
        FieldInfo::new("locationMode", "location_mode", Shape::Enum(&SERVICE_LOCATION_MODE)).required().default(r#""ON_SITE""#).filterable(),
        FieldInfo::new("areaServed", "area_served", Shape::Components(&AREA)),
        FieldInfo::new("timeZone", "time_zone", Shape::Scalar(Kind::String)).default(r#""UTC""#).max("64").pattern("[A-Za-z_]+(/[A-Za-z0-9_+-]+)*"),
        FieldInfo::new("openingHours", "opening_hours", Shape::Components(&OPENING_HOURS)).max("50"),
        FieldInfo::new("bookingUrl", "booking_url", Shape::Scalar(Kind::Url)),
        FieldInfo::new("cancellationPolicy", "cancellation_policy", Shape::Scalar(Kind::Markdown)),
        FieldInfo::new("images", "images", Shape::many(&[&MEDIA], "Media", OnDelete::Restrict, "service_images", &["target_id"])),
        FieldInfo::new("body", "body", Shape::Blocks(&SERVICE_BODY_BLOCK)),
        FieldInfo::new("products", "products", Shape::many(&[&PRODUCT], "Product", OnDelete::SetNull, "service_products", &["target_id"]).listed(&["service_products"])),
        FieldInfo::new("seo", "seo", Shape::Component(&SEO)),
        FieldInfo::new("externalRef", "external_ref", Shape::Scalar(Kind::String)).unique(&[]).max("250"),
    ],
    inverses: &[
        InverseInfo { name: "mentionedIn", source: &POST, field: "about" },
    ],
    computed: &[
        ComputedInfo { name: "isOpen", kind: Kind::Boolean, with: &[], args: &[ArgumentInfo { name: "at", kind: Kind::Datetime, many: false, required: false, default: None }], depends_on: None },
        ComputedInfo { name: "nextOpening", kind: Kind::Datetime, with: &[], args: &[ArgumentInfo { name: "from", kind: Kind::Datetime, many: false, required: false, default: None }], depends_on: None },
        ComputedInfo { name: "nextClosing", kind: Kind::Datetime, with: &[], args: &[ArgumentInfo { name: "from", kind: Kind::Datetime, many: false, required: false, default: None }], depends_on: None },
    ],
    constraints: &[
        ("service_name__sort", "name"), ("service_slug_key", "slug"), ("service_price__sort", "price"),
        ("service_price_unit_idx", "price_unit"), ("service_duration_idx", "duration"),
        ("service_location_mode_idx", "location_mode"), ("service_external_ref_key", "external_ref"),
        ("service_price_check", "price"), ("service_price_unit_check", "price_unit"),
        ("service_capacity_check", "capacity"), ("service_location_mode_check", "location_mode"),
    ],
};

/// Computed fields of `Service`, which the site implements: a value for each entry, in their order.
pub trait ServiceComputed: Send + Sync + 'static {
    /// Whether it is open, by its opening hours.
    fn is_open(
        &self, services: &[Service], at: Option<Timestamp>, cx: &ReadCx<'_>,
    ) -> impl Future<Output = Result<Vec<bool>>> + Send;

    /// When it opens next; null if it does not in the 400 days after `from`.
    fn next_opening(
        &self, services: &[Service], from: Option<Timestamp>, cx: &ReadCx<'_>,
    ) -> impl Future<Output = Result<Vec<Option<Timestamp>>>> + Send;

    /// When it closes next; null if it does not in the 400 days after `from`.
    fn next_closing(
        &self, services: &[Service], from: Option<Timestamp>, cx: &ReadCx<'_>,
    ) -> impl Future<Output = Result<Vec<Option<Timestamp>>>> + Send;
}

runtime::choice! {
    /// Unit of the price.
    pub enum ServicePriceUnit {
        /// One price for the whole service.
        Fixed = "fixed",
        /// The lowest price; the final one depends on the work.
        From = "from",
        /// For an hour.
        PerHour = "per_hour",
        /// For an appointment.
        PerSession = "per_session",
        /// For each participant.
        PerPerson = "per_person",
        /// For a day.
        PerDay = "per_day",
    }
}

pub static SERVICE_PRICE_UNIT: EnumInfo = EnumInfo { name: "ServicePriceUnit", values: &[
    ("fixed", "FIXED"), ("from", "FROM"), ("per_hour", "PER_HOUR"), ("per_session", "PER_SESSION"),
    ("per_person", "PER_PERSON"), ("per_day", "PER_DAY"),
] };

runtime::choice! {
    /// Place of the service.
    pub enum ServiceLocationMode {
        /// At the shop.
        OnSite = "on_site",
        /// At the customer's place.
        AtCustomer = "at_customer",
        /// Over the internet.
        Online = "online",
    }
}

pub static SERVICE_LOCATION_MODE: EnumInfo = EnumInfo { name: "ServiceLocationMode", values: &[
    ("on_site", "ON_SITE"), ("at_customer", "AT_CUSTOMER"), ("online", "ONLINE"),
] };

runtime::blocks! {
    /// One block of `Service.body`.
    pub enum ServiceBodyBlock { CallToAction = "call_to_action", Faq = "faq", Gallery = "gallery", Text = "text" }
}

pub static SERVICE_BODY_BLOCK: BlocksInfo = BlocksInfo { name: "ServiceBodyBlock", of: &[
    &TEXT, &GALLERY, &FAQ, &CALL_TO_ACTION,
] };
