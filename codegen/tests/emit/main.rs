//! The generator as a whole: what it writes, that it is always the same, and that it stays thin.

mod breaking;
mod cases;
mod determinism;
mod layers;
mod physical;
mod sdl;
mod support;
mod thinness;
