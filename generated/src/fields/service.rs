//! The fields of `Service`.
//!
//! Written by `cargo xtask generate` from schema/service.yaml; do not edit.

use crate::component::{Area, OpeningHours, Seo};
use crate::content::{Category, Media, Product, Service, ServiceBodyBlock, ServiceLocationMode, ServicePriceUnit, Tag};
use runtime::field;
use runtime::prelude::*;

pub const NAME: field::Scalar<Service, String> = field::Scalar::new("name"); // Name as customers see it.
pub const SLUG: field::Scalar<Service, String> = field::Scalar::new("slug"); // URL slug of the service.
pub const SUMMARY: field::Scalar<Service, String> = field::Scalar::new("summary"); // A sentence or two for lists and search results.
pub const DESCRIPTION: field::Scalar<Service, String> = field::Scalar::new("description"); // The full description.
pub const CATEGORIES: field::Links<Service, Category> = field::Links::new("categories"); // Categories, the main one first.
pub const TAGS: field::Links<Service, Tag> = field::Links::new("tags"); // Topics it belongs to.
pub const PRICE: field::Scalar<Service, Money> = field::Scalar::new("price"); // Price for one unit.
pub const PRICE_UNIT: field::Scalar<Service, ServicePriceUnit> = field::Scalar::new("priceUnit"); // Unit of the price.
pub const DURATION: field::Scalar<Service, Duration> = field::Scalar::new("duration"); // How long it takes.
pub const BUFFER_BEFORE: field::Scalar<Service, Duration> = field::Scalar::new("bufferBefore"); // Time kept free before it.
pub const BUFFER_AFTER: field::Scalar<Service, Duration> = field::Scalar::new("bufferAfter"); // Time kept free after it.
pub const CAPACITY: field::Scalar<Service, i32> = field::Scalar::new("capacity"); // How many people can take part at once.
pub const LEAD_TIME: field::Scalar<Service, Duration> = field::Scalar::new("leadTime"); // Minimum notice for a booking.
pub const BOOKING_HORIZON: field::Scalar<Service, Duration> = field::Scalar::new("bookingHorizon"); // How far in advance it can be booked.
pub const LOCATION_MODE: field::Scalar<Service, ServiceLocationMode> = field::Scalar::new("locationMode"); // Place of the service.
pub const AREA_SERVED: field::Whole<Service, Vec<Area>> = field::Whole::new("areaServed"); // Regions in which it is offered.
pub const TIME_ZONE: field::Scalar<Service, String> = field::Scalar::new("timeZone"); // IANA time zone of the opening hours, such as `Europe/Berlin`.
pub const OPENING_HOURS: field::Whole<Service, Vec<OpeningHours>> = field::Whole::new("openingHours"); // Weekly hours in local time; of the rows for a date, those with the shortest period count.
pub const BOOKING_URL: field::Scalar<Service, String> = field::Scalar::new("bookingUrl"); // Link to the booking page.
pub const CANCELLATION_POLICY: field::Scalar<Service, String> = field::Scalar::new("cancellationPolicy"); // Deadline and cost of a cancellation.
pub const IMAGES: field::Links<Service, Media> = field::Links::new("images"); // Pictures, the main one first.
pub const BODY: field::Whole<Service, Vec<ServiceBodyBlock>> = field::Whole::new("body"); // Sections of the service's page.
pub const PRODUCTS: field::Links<Service, Product> = field::Links::new("products"); // Products that go with it.
pub const SEO: field::Whole<Service, Seo> = field::Whole::new("seo"); // Metadata for search engines and social networks.
pub const EXTERNAL_REF: field::Scalar<Service, String> = field::Scalar::new("externalRef"); // Key of the service in the system that it comes from.
pub const CREATED_AT: field::Kept<Service, Timestamp> = field::Kept::new("createdAt");
pub const UPDATED_AT: field::Kept<Service, Timestamp> = field::Kept::new("updatedAt");
pub const PUBLISHED_AT: field::Kept<Service, Timestamp> = field::Kept::new("publishedAt");
pub const FIRST_PUBLISHED_AT: field::Kept<Service, Timestamp> = field::Kept::new("firstPublishedAt");
pub const CREATED_BY: field::Kept<Service, Id<User>> = field::Kept::new("createdBy");
pub const UPDATED_BY: field::Kept<Service, Id<User>> = field::Kept::new("updatedBy");
pub const PUBLISHED_BY: field::Kept<Service, Id<User>> = field::Kept::new("publishedBy");
pub const ID: field::Kept<Service, Id<Service>> = field::Kept::new("id");
