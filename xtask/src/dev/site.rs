//! From saved files to a running server: generate, build, migrate, swap. The old server runs until the new one is ready.

use std::ffi::OsStr;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use nix::sys::signal::Signal;

use super::watch::Watch;
use crate::guard::{self, Guarded, Terms};
use crate::interrupt;
use crate::progress::{problem, say, since, warn};
use crate::project::Project;

/// One site under development.
pub struct Site<'a> {
    pub project: &'a Project,
    /// Where cargo puts the server.
    pub binary: PathBuf,
    pub database: String,
    pub token: String,
    /// Seals the keys of accounts.
    pub secret: String,
    pub port: u16,
    /// Where it is remembered that the demo has been loaded; none if it is not wanted.
    pub demo: Option<PathBuf>,
    pub server: Option<Server>,
}

/// A running server and the file it was started from.
pub struct Server {
    process: Guarded,
    made: SystemTime,
}

/// How an update of the site has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The server is new.
    Ready,
    /// Nothing had to be done.
    Same,
    /// Something is wrong and has been shown; the server of before goes on.
    Failed,
    /// A file was saved or Ctrl-C pressed while it ran.
    Overtaken,
}

/// How one step has ended.
enum Step {
    Done,
    Failed,
    Overtaken,
}

impl Site<'_> {
    /// Brings the server up to what is on disk.
    pub fn update(&mut self, watch: &mut Watch) -> anyhow::Result<Outcome> {
        watch.accept();
        // This program again, so that not even a bug of the generator can end the development server.
        let generate = self.command(crate::guard::own_program()?, &["generate"])?;
        let generated = finish(generate, None)?;
        watch.accept_generated();
        match generated {
            Step::Done => {}
            Step::Failed => return Ok(self.failed("the schema was not taken")),
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
        match finish(self.command(&self.binary, &["migrate"])?, None)? {
            Step::Done => {}
            Step::Failed => return Ok(self.failed("the database was not migrated")),
            Step::Overtaken => return Ok(Outcome::Overtaken),
        }
        self.load_demo()?;
        self.swap(made)
    }

    fn failed(&self, what: &str) -> Outcome {
        let server = if self.server.is_some() { "the server from before goes on" } else { "there is no server yet" };
        problem(format!("{what}, see above; {server}. The next saved file is the next try"));
        Outcome::Failed
    }

    /// Small content to look at, loaded once into a new database.
    fn load_demo(&mut self) -> anyhow::Result<()> {
        let Some(done) = self.demo.take_if(|done| !done.exists()) else { return Ok(()) };
        match finish(self.command(&self.binary, &["demo"])?, None)? {
            Step::Done => std::fs::write(&done, "").with_context(|| format!("cannot write {}", done.display())),
            Step::Failed => {
                warn("the demo does not fit this schema and was left out");
                Ok(())
            }
            Step::Overtaken => {
                self.demo = Some(done);
                Ok(())
            }
        }
    }

    fn swap(&mut self, made: SystemTime) -> anyhow::Result<Outcome> {
        // The port is given from one server to the next: requests fail for the blink between.
        drop(self.server.take());
        let port = self.port.to_string();
        let process = Guarded::spawn(self.command(&self.binary, &["serve", "--port", &port])?)?;
        self.server = Some(Server { process, made });
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if interrupt::requested() {
                return Ok(Outcome::Overtaken);
            }
            if self.server_has_ended()? {
                return Ok(self.failed("the new server does not start"));
            }
            if start.elapsed() > Duration::from_secs(30) {
                warn(format!("the server does not answer on port {} {}", self.port, since(start)));
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(Outcome::Ready)
    }

    /// Whether the server has ended by itself since it was started.
    pub fn server_has_ended(&mut self) -> anyhow::Result<bool> {
        let Some(server) = &mut self.server else { return Ok(false) };
        let Some(code) = server.process.ended()? else { return Ok(false) };
        self.server = None;
        problem(format!("the server has ended with code {code}"));
        Ok(true)
    }

    fn command(&self, program: impl AsRef<OsStr>, arguments: &[&str]) -> anyhow::Result<Command> {
        let mut command = guard::command(program, &Terms::stop_with(Signal::SIGTERM))?;
        command.args(arguments).current_dir(&self.project.root);
        command.env("DATABASE_URL", &self.database).env("TYPECASE_DEV_TOKEN", &self.token);
        command.env("TYPECASE_SECRET", &self.secret).env("TYPECASE_ENV", "development");
        Ok(command)
    }
}

/// Runs a step to its end, to Ctrl-C, or, where a watch is given, to the next saved file.
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

/// Where cargo puts the server of a project; settings of several places have a say in that.
pub fn binary(project: &Project) -> anyhow::Result<PathBuf> {
    let mut command = Command::new("cargo");
    command.args(["metadata", "--format-version=1", "--no-deps", "--offline"]).current_dir(&project.root);
    let output = command.stderr(Stdio::inherit()).output().context("cannot run cargo")?;
    let text = String::from_utf8(output.stdout).context("cargo's answer is no text")?;
    let folder = text.split("\"target_directory\":\"").nth(1).and_then(|rest| rest.split('"').next());
    Ok(Path::new(folder.context("cargo does not say where it builds")?).join("debug/typecase"))
}
