//! `typecase import`: records of other systems become entries, by a declarative mapping or in the native form.

mod money;
mod path;
mod slug;
mod text;
mod yaml;
