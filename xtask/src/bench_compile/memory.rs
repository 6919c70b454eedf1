//! Peak memory of a single rustc process during a benchmark, as Linux reports it.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::scratch::SERVER;

/// The kernel keeps a process's peak, so the last sample before its end is enough.
const INTERVAL: Duration = Duration::from_millis(20);

/// Samples every rustc that writes into the folder, until stopped.
pub struct Peak {
    stop: Arc<AtomicBool>,
    most: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

impl Peak {
    pub fn watch(target: &Path) -> Self {
        let (stop, most) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, seen, target) = (stop.clone(), most.clone(), target.to_owned());
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let now = compilers(&target).iter().filter_map(|process| peak(process)).max();
                seen.fetch_max(now.unwrap_or(0), Ordering::Relaxed);
                thread::sleep(INTERVAL);
            }
        });
        Self { stop, most, thread }
    }

    /// In KiB; `None` without `/proc`.
    pub fn end(self) -> Option<u64> {
        self.stop.store(true, Ordering::Relaxed);
        // The thread can only have panicked, and then there is nothing more to record.
        let _ = self.thread.join();
        Some(self.most.load(Ordering::Relaxed)).filter(|most| *most > 0)
    }
}

/// Processes that compile the measured crates: those that get the target folder and are not dependencies.
fn compilers(target: &Path) -> Vec<PathBuf> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.path());
    let compiles = |process: &PathBuf| {
        let arguments = fs::read(process.join("cmdline")).unwrap_or_default();
        let arguments: Vec<_> = arguments.split(|byte| *byte == 0).collect();
        let measured = arguments
            .windows(2)
            .any(|pair| pair[0] == b"--crate-name" && (pair[1] == b"generated" || pair[1] == SERVER.as_bytes()));
        let path = target.as_os_str().as_bytes();
        measured && arguments.iter().any(|argument| argument.windows(path.len()).any(|part| part == path))
    };
    processes.filter(compiles).collect()
}

fn peak(process: &Path) -> Option<u64> {
    let status = fs::read_to_string(process.join("status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
