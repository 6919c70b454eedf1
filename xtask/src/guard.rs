//! Runs a program that cannot outlive us: a guard process in between stops it when our end of a pipe closes.
//!
//! The kernel closes that pipe however we end, `kill -9` included. On Linux the program also dies with its guard.

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::net::TcpListener;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// What the guard process is asked to do; made by [`command`], never typed by people.
#[derive(clap::Args)]
pub struct Args {
    #[arg(long)]
    signal: Signal,
    /// Seconds between the signal and `SIGKILL`
    #[arg(long, default_value_t = 10)]
    grace: u64,
    #[arg(long, requires = "gid")]
    uid: Option<u32>,
    #[arg(long, requires = "uid")]
    gid: Option<u32>,
    /// A folder that is deleted when the program has ended
    #[arg(long)]
    remove: Option<PathBuf>,
    /// The number of an open file that is the program's input
    #[arg(long)]
    input: Option<i32>,
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// How a guarded program is run and stopped.
#[derive(Clone)]
pub struct Terms {
    pub signal: Signal,
    pub account: Option<(u32, u32)>,
    pub remove: Option<PathBuf>,
    /// A socket to use as the program's standard input.
    pub socket: Option<RawFd>,
}

impl Terms {
    pub fn stop_with(signal: Signal) -> Self {
        Self { signal, account: None, remove: None, socket: None }
    }
}

/// A guarded program; dropping it stops the program and waits until it has exited.
pub struct Guarded {
    guard: Child,
    lifeline: Option<ChildStdin>,
}

/// The guard command for `program`; arguments, environment and output are added as to any command.
pub fn command(program: impl AsRef<OsStr>, terms: &Terms) -> anyhow::Result<Command> {
    let mut command = Command::new(own_program()?);
    command.args(["guard", "--signal", terms.signal.as_str()]);
    if let Some((uid, gid)) = terms.account {
        command.args(["--uid", &uid.to_string(), "--gid", &gid.to_string()]);
    }
    if let Some(folder) = &terms.remove {
        command.arg("--remove").arg(folder);
    }
    if let Some(socket) = terms.socket {
        command.args(["--input", &socket.to_string()]);
    }
    command.arg("--").arg(program);
    forget_cargo(&mut command);
    Ok(command)
}

/// Removes cargo's variables about this package: build scripts that read them, such as ring's, would run again, and
/// everything that depends on them would be rebuilt.
pub fn forget_cargo(command: &mut Command) {
    let is_of_package = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_of_package) {
            command.env_remove(&name);
        }
    }
}

/// The path of this program; on Linux the running file itself, which a rebuild may have replaced under its name.
pub fn own_program() -> anyhow::Result<PathBuf> {
    if cfg!(target_os = "linux") {
        return Ok("/proc/self/exe".into());
    }
    std::env::current_exe().context("the path of this program is unknown")
}

impl Guarded {
    pub fn spawn(mut command: Command) -> anyhow::Result<Self> {
        // A separate process group keeps Ctrl-C in the terminal from reaching the guard before it has done its work.
        command.process_group(0).stdin(Stdio::piped());
        let mut guard = command.spawn().with_context(|| format!("cannot start {:?}", command.get_program()))?;
        let lifeline = guard.stdin.take();
        Ok(Self { guard, lifeline })
    }

    /// Like [`Self::spawn`], for terms with this socket: it is also open in the guard, and in no other process.
    pub fn spawn_with(command: Command, socket: &TcpListener) -> anyhow::Result<Self> {
        let inherited = |flags| fcntl(socket, FcntlArg::F_SETFD(flags)).context("the socket cannot be passed on");
        inherited(FdFlag::empty())?;
        let guarded = Self::spawn(command);
        inherited(FdFlag::FD_CLOEXEC)?;
        guarded
    }

    /// The exit code, once the program has exited.
    pub fn ended(&mut self) -> anyhow::Result<Option<u8>> {
        Ok(self.guard.try_wait()?.map(code))
    }

    /// Stops the program according to its terms and waits until it has exited.
    pub fn stop(&mut self) {
        self.lifeline.take();
        // The guard exits within its grace period; an error here means that it has been reaped already.
        let _ = self.guard.wait();
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Runs the guard process itself.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let (program, arguments) = args.command.split_first().context("no program to guard")?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(args.input.map_or_else(Stdio::null, input)).process_group(0);
    if let (Some(uid), Some(gid)) = (args.uid, args.gid) {
        command.uid(uid).gid(gid);
    }
    die_with_us(&mut command, args.signal);
    let mut child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
    let group = Pid::from_raw(i32::try_from(child.id())?);
    let (signal, grace) = (args.signal, Duration::from_secs(args.grace));
    std::thread::spawn(move || stop_at_end_of_input(group, signal, grace));
    let status = child.wait()?;
    // Processes that the program left behind; usually there are none.
    let _ = killpg(group, Signal::SIGKILL);
    if let Some(folder) = args.remove {
        remove(&folder)?;
    }
    Ok(ExitCode::from(code(status)))
}

/// The standard input that a parent process opened for the program.
fn input(number: RawFd) -> Stdio {
    #[expect(
        unsafe_code,
        reason = "the number is that of a file which was left open for this, and nobody else closes it"
    )]
    let file = unsafe { OwnedFd::from_raw_fd(number) };
    file.into()
}

fn stop_at_end_of_input(group: Pid, signal: Signal, grace: Duration) {
    // End of input and a broken pipe mean the same: the program is no longer needed.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    let _ = killpg(group, signal);
    std::thread::sleep(grace);
    let _ = killpg(group, Signal::SIGKILL);
}

/// The program's children may still write briefly after its end, so deletion is retried for a second.
fn remove(folder: &std::path::Path) -> anyhow::Result<()> {
    let started = Instant::now();
    loop {
        match std::fs::remove_dir_all(folder) {
            Ok(()) => return Ok(()),
            Err(_) if !folder.exists() => return Ok(()),
            Err(_) if started.elapsed() < Duration::from_secs(1) => std::thread::sleep(Duration::from_millis(20)),
            Err(error) => return Err(error).with_context(|| format!("cannot delete {}", folder.display())),
        }
    }
}

/// The exit code that a shell would report.
pub fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

/// Asks the kernel to signal the program when the guard itself is killed.
#[cfg(target_os = "linux")]
fn die_with_us(command: &mut Command, signal: Signal) {
    use nix::unistd::getppid;
    let guard = nix::unistd::getpid();
    let arm = move || {
        nix::sys::prctl::set_pdeathsig(signal)?;
        // The guard may have died between fork and the line above.
        if getppid() == guard { Ok(()) } else { Err(std::io::ErrorKind::BrokenPipe.into()) }
    };
    // Order matters: the standard library runs this after the change of user, which would clear the setting.
    #[expect(unsafe_code, reason = "runs between fork and exec: two system calls, no allocation, no lock")]
    unsafe {
        command.pre_exec(arm);
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_us(_command: &mut Command, _signal: Signal) {}
