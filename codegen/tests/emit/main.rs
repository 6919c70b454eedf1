//! The generator as a whole: its output, its determinism, and that generated code stays thin.

mod breaking;
mod cases;
mod determinism;
mod layers;
mod physical;
mod sdl;
mod support;
mod thinness;
