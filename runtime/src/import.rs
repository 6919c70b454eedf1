//! `typecase import`: records of other systems become entries, by a declarative mapping or in the native form.

mod apply;
mod coerce;
mod compile;
mod expr;
mod mapping;
mod money;
mod path;
mod reference;
mod slug;
mod step;
mod text;
mod yaml;
