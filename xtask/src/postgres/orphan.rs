//! Finds servers that have outlived their owner, by the folder that they serve.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::unistd::Pid;

/// The process in a server's pid file, if it is alive and still serves this folder.
pub fn server(data: &Path, pid_file: Option<String>) -> Option<Pid> {
    let number: i32 = pid_file?.parse().ok()?;
    let serves = if cfg!(target_os = "linux") { works_in(number, data) } else { is_told(number, data) };
    serves.then(|| Pid::from_raw(number))
}

/// Whether certainly no process works in this folder any more; the children of a killed server do for a moment.
pub fn is_deserted(data: &Path) -> bool {
    if !cfg!(target_os = "linux") {
        // PostgreSQL's own check must suffice.
        return false;
    }
    let started = Instant::now();
    while is_inhabited(data) {
        if started.elapsed() > Duration::from_secs(5) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

fn is_inhabited(data: &Path) -> bool {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.any(|number| works_in(number, data))
}

/// All PostgreSQL processes use the folder as their working directory; a zombie process has none.
fn works_in(process: i32, data: &Path) -> bool {
    let folder = std::fs::read_link(format!("/proc/{process}/cwd")).ok();
    folder.is_some() && folder == data.canonicalize().ok()
}

/// Whether the folder is an argument of the process.
fn is_told(process: i32, data: &Path) -> bool {
    let output = Command::new("ps").args(["-o", "args=", "-p", &process.to_string()]).output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(&*data.to_string_lossy()))
}
