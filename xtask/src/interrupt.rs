//! Ctrl-C, SIGTERM and SIGHUP as a flag that loops check, so that everything shuts down in order.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;

use crate::guard::Guarded;

/// The exit code of an interrupted task, as in shells.
pub const EXIT_CODE: u8 = 130;

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// From now on, signals no longer end the process.
pub fn listen() -> anyhow::Result<()> {
    ctrlc::set_handler(|| REQUESTED.store(true, Ordering::Relaxed)).context("cannot listen for Ctrl-C")
}

pub fn requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}

/// Waits until a program exits, or stops it on an interrupt.
pub fn wait(program: &mut Guarded) -> anyhow::Result<u8> {
    loop {
        if let Some(code) = program.ended()? {
            return Ok(code);
        }
        if requested() {
            program.stop();
            return Ok(EXIT_CODE);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
