//! `Schema` to the files of `generated/`; emitters cannot fail.

pub mod sdl;
