//! From saved files to a running server: generate, build, migrate, swap. The old server runs until the new one is up.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use nix::sys::signal::Signal;

use super::database::{Database, Standing};
use super::watch::Watch;
use crate::generate;
use crate::guard::{self, Guarded, Terms};
use crate::interrupt;
use crate::progress::{problem, say, since, warn};
use crate::project::Project;

/// Marks the folder of a database that has the demo.
const DEMO: &str = "demo-loaded";
/// Second name of the running server's program: cargo writes the next one to its own path.
const PROGRAM: &str = "typecase";

/// One site under development.
pub struct Site<'a> {
    pub project: &'a Project,
    /// The path of the server that cargo builds.
    pub binary: PathBuf,
    // Order matters: the server stops before its database, or it would report that the database is unreachable.
    pub server: Option<Server>,
    pub database: Database<'a>,
    pub token: String,
    /// Seals the keys of accounts.
    pub secret: String,
    pub port: u16,
    /// Whether a new database gets the demo.
    pub demo: bool,
    /// Whether loading the demo can succeed.
    pub demo_fits: bool,
    /// The socket that one server passes to the next, so that no connection is refused in between.
    pub listener: Option<TcpListener>,
    /// The build time of the program whose server was stopped for work on its database.
    pub stopped: Option<SystemTime>,
}

/// A running server and the file it was started from.
pub struct Server {
    process: Guarded,
    made: SystemTime,
}

/// The result of an update of the site.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// A new server is running.
    Ready,
    /// Nothing had to be done.
    Same,
    /// An error has been shown; the previous server keeps running.
    Failed,
    /// A file was saved or Ctrl-C pressed meanwhile.
    Overtaken,
}

/// The result of one step.
enum Step {
    Done,
    Failed,
    Overtaken,
}

impl Site<'_> {
    /// Updates the server to the files on disk.
    pub fn update(&mut self, watch: &mut Watch) -> anyhow::Result<Outcome> {
        watch.accept();
        if self.database.follow_branch()? {
            // It serves the other branch's database.
            drop(self.server.take());
        }
        // Runs this program again, so that not even a bug in the generator can end the development server.
        let generate = self.command(crate::guard::own_program()?, &["generate"])?;
        let generated = finish(generate, None)?;
        watch.accept_generated();
        match generated {
            Step::Done => {}
            Step::Failed => return Ok(self.failed("the schema was not accepted")),
            Step::Overtaken => return Ok(Outcome::Overtaken),
        }
        let build = self.command("cargo", &["build", "--package", "typecase"])?;
        match finish(build, Some(watch))? {
            Step::Done => {}
            Step::Failed => return Ok(self.failed("the code does not compile")),
            Step::Overtaken => return Ok(Outcome::Overtaken),
        }
        let made =
            std::fs::metadata(&self.binary).and_then(|data| data.modified()).context("the server is not built")?;
        if self.server.as_ref().is_some_and(|server| server.made == made) {
            return Ok(Outcome::Same);
        }
        match self.migrate()? {
            Step::Done => self.database.migrated()?,
            Step::Failed => {
                self.start_stopped()?;
                return Ok(self.failed("the database was not migrated"));
            }
            Step::Overtaken => return Ok(Outcome::Overtaken),
        }
        self.load_demo()?;
        self.swap(made)
    }

    /// Migrates the database to the current migrations, also from others that existed before.
    fn migrate(&mut self) -> anyhow::Result<Step> {
        let schema = generate::compile_quietly(self.project)?;
        // A running server would report that the database is unreachable.
        let mut stops = || {
            if let Some(server) = self.server.take() {
                self.stopped = Some(server.made);
            }
        };
        match self.database.stand(schema.as_ref(), &mut stops)? {
            Standing::Ready => {}
            // The demo may fit this schema, if the copy does not have it yet.
            Standing::Replaced => self.demo_fits = true,
            Standing::Rework(file) => {
                let file = file.display().to_string();
                // A failed rework changes nothing: some rows do not fit, and the running server keeps using them.
                return finish(self.command(&self.binary, &["migrate", "--rework", &file])?, None);
            }
            Standing::Ahead(why) => {
                problem(why);
                return Ok(Step::Failed);
            }
        }
        self.database.before_migrating(&mut stops)?;
        finish(self.command(&self.binary, &["migrate"])?, None)
    }

    fn failed(&self, what: &str) -> Outcome {
        let server = if self.server.is_some() { "the previous server keeps running" } else { "no server is running" };
        problem(format!("{what}, see above; {server}. Save any file to try again"));
        Outcome::Failed
    }

    /// Loads a small demo once into a new database.
    fn load_demo(&mut self) -> anyhow::Result<()> {
        let marker = self.database.folder().map(|folder| folder.join(DEMO)).filter(|marker| !marker.exists());
        let Some(done) = marker.filter(|_| self.demo && self.demo_fits) else { return Ok(()) };
        match finish(self.command(&self.binary, &["demo"])?, None)? {
            Step::Done => std::fs::write(&done, "").with_context(|| format!("cannot write {}", done.display())),
            Step::Failed => {
                warn(
                    "the demo does not fit this schema and was left out: change the file in app/demo that is named above",
                );
                self.demo_fits = false;
                Ok(())
            }
            Step::Overtaken => Ok(()),
        }
    }

    fn swap(&mut self, made: SystemTime) -> anyhow::Result<Outcome> {
        // The old server completes its pending requests; new connections wait in the socket's queue for the new one.
        drop(self.server.take());
        self.stopped = None;
        let kept = self.project.private().join(PROGRAM);
        let _ = std::fs::remove_file(&kept);
        // On another disk there is no hard link, and a stopped server is not restarted.
        let _ = std::fs::hard_link(&self.binary, &kept);
        self.start(&self.binary.clone(), made)
    }

    /// Restarts the server that was stopped for work on the database, if that work failed.
    fn start_stopped(&mut self) -> anyhow::Result<()> {
        let Some(made) = self.stopped.take() else { return Ok(()) };
        let program = self.project.private().join(PROGRAM);
        if program.is_file() {
            self.start(&program, made)?;
        }
        if self.server.is_none() {
            self.listener = None;
        }
        Ok(())
    }

    fn start(&mut self, program: &Path, made: SystemTime) -> anyhow::Result<Outcome> {
        let listener = match self.listener.take() {
            Some(listener) => listener,
            None => {
                TcpListener::bind(("127.0.0.1", self.port)).with_context(|| format!("port {} is in use", self.port))?
            }
        };
        let terms = Terms { socket: Some(listener.as_raw_fd()), ..Terms::stop_with(Signal::SIGTERM) };
        let command = self.command_on(&terms, program, &["serve", "--inherit"])?;
        let process = Guarded::spawn_with(command, &listener)?;
        self.listener = Some(listener);
        self.server = Some(Server { process, made });
        let start = Instant::now();
        while !self.answers() {
            if interrupt::requested() {
                return Ok(Outcome::Overtaken);
            }
            if self.server_has_ended()? {
                return Ok(self.failed("the server does not start"));
            }
            if start.elapsed() > Duration::from_secs(30) {
                warn(format!("the server does not answer on port {} {}", self.port, since(start)));
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(Outcome::Ready)
    }

    /// Whether a server responds on the port: the socket alone accepts connections too.
    fn answers(&self) -> bool {
        let patience = Duration::from_millis(200);
        let ask = || {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
            stream.set_read_timeout(Some(patience))?;
            stream.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
            stream.read(&mut [0])
        };
        ask().is_ok_and(|read: usize| read > 0)
    }

    /// Whether the server has exited by itself since its start.
    pub fn server_has_ended(&mut self) -> anyhow::Result<bool> {
        let Some(server) = &mut self.server else { return Ok(false) };
        let Some(code) = server.process.ended()? else { return Ok(false) };
        self.server = None;
        // No server is left: connections are refused instead of waiting forever.
        self.listener = None;
        problem(format!("the server has ended with code {code}"));
        Ok(true)
    }

    fn command(&self, program: impl AsRef<OsStr>, arguments: &[&str]) -> anyhow::Result<Command> {
        self.command_on(&Terms::stop_with(Signal::SIGTERM), program, arguments)
    }

    fn command_on(&self, terms: &Terms, program: impl AsRef<OsStr>, arguments: &[&str]) -> anyhow::Result<Command> {
        let mut command = guard::command(program, terms)?;
        command.args(arguments).current_dir(&self.project.root);
        command.env("DATABASE_URL", self.database.url()).env("TYPECASE_DEV_TOKEN", &self.token);
        command.env("TYPECASE_SECRET", &self.secret).env("TYPECASE_ENV", "development");
        Ok(command)
    }
}

/// Runs a step to its end, to Ctrl-C, or, with a watch, to the next saved file.
fn finish(command: Command, mut watch: Option<&mut Watch>) -> anyhow::Result<Step> {
    let mut program = Guarded::spawn(command)?;
    loop {
        match program.ended()? {
            Some(0) => return Ok(Step::Done),
            Some(_) => return Ok(Step::Failed),
            None => {}
        }
        if interrupt::requested() {
            return Ok(Step::Overtaken);
        }
        if let Some(path) = watch.as_mut().and_then(|watch| watch.changed().into_iter().next()) {
            say("Saved", format!("{}: starting over", path.display()));
            return Ok(Step::Overtaken);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The path of the built server, which depends on several cargo settings.
pub fn binary(project: &Project) -> anyhow::Result<PathBuf> {
    let mut command = Command::new("cargo");
    command.args(["metadata", "--format-version=1", "--no-deps", "--offline"]).current_dir(&project.root);
    let output = command.stderr(Stdio::inherit()).output().context("cannot run cargo")?;
    let text = String::from_utf8(output.stdout).context("cargo's output is not text")?;
    let folder = text.split("\"target_directory\":\"").nth(1).and_then(|rest| rest.split('"').next());
    Ok(Path::new(folder.context("cargo does not report its target folder")?).join("debug/typecase"))
}
