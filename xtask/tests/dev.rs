//! `cargo xtask dev` on a small site: saved files are served, a broken save keeps the old server, nothing is left over.
#![cfg(target_os = "linux")]

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

const CMS: &str = "site: { name: Test, currency: EUR, currencies: [EUR], locales: [en] }\n";
const TAG: &str = "type: tag\ndescription: A topic.\ntitle: name\naccess: { anonymous: { read: all } }\nfields:\n  name: { type: string, description: A name. }\n";

/// A server that responds with one word, in place of the real one, which takes minutes to build.
fn server(word: &str) -> String {
    let code = r#"
        use std::io::Write;
        fn main() {
            let arguments: Vec<String> = std::env::args().skip(1).collect();
            match arguments[0].as_str() {
                "migrate" if "WORD" == "unmigrated" => std::process::exit(1),
                "demo" if "WORD" == "first" => std::process::exit(1),
                "demo" => eprintln!("demo of WORD"),
                "serve" => {
                    use std::os::fd::AsFd;
                    let url = std::env::var("DATABASE_URL").unwrap();
                    let address = url.split('@').nth(1).unwrap().split('/').next().unwrap().to_owned();
                    std::thread::spawn(move || loop {
                        if std::net::TcpStream::connect(&address).is_err() { eprintln!("ERROR the database is away"); }
                        std::thread::sleep(std::time::Duration::from_millis(2));
                    });
                    let socket = std::io::stdin().as_fd().try_clone_to_owned().unwrap();
                    let listener = std::net::TcpListener::from(socket);
                    for mut stream in listener.incoming().flatten() { let _ = stream.write_all(b"WORD"); }
                }
                _ => {}
            }
        }"#;
    code.replace("WORD", word)
}

struct Site {
    folder: TempDir,
    port: u16,
    dev: Child,
}

impl Site {
    fn start() -> Self {
        Self::run(Self::folder())
    }

    /// A project with that server.
    fn folder() -> TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).expect("a mode");
        let write = |path: &str, text: &str| write(folder.path(), path, text);
        write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"app\"]\n");
        write("xtask/Cargo.toml", "");
        write("app/Cargo.toml", "[package]\nname = \"typecase\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
        write("app/src/main.rs", &server("first"));
        write("schema/cms.yaml", CMS);
        write("schema/tag.yaml", TAG);
        folder
    }

    fn run(folder: TempDir) -> Self {
        Self::run_with(folder, &[])
    }

    fn run_with(folder: TempDir, arguments: &[&str]) -> Self {
        let port = free_port();
        let log = std::fs::File::create(folder.path().join("log")).expect("a file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(["dev", "--port", &port.to_string()]).args(arguments);
        command.current_dir(folder.path()).stdin(Stdio::null());
        command.env_remove("DATABASE_URL").env_remove("CARGO_TARGET_DIR");
        command.stdout(log.try_clone().expect("a handle")).stderr(log);
        let dev = command.spawn().expect("xtask runs");
        Self { folder, port, dev }
    }

    /// A site whose first migration, for this type, is committed.
    fn committed(tag: &str) -> Self {
        let folder = Self::folder();
        write(folder.path(), "schema/tag.yaml", tag);
        write(folder.path(), ".gitignore", ".dev\n");
        std::fs::create_dir(folder.path().join("migrations")).expect("a folder");
        commit(folder.path());
        let site = Self::run(folder);
        site.eventually("it begins", || site.log().contains("GraphiQL"));
        commit(site.folder.path());
        site
    }

    /// Saves the type and waits for its server; `field` exists only in this version.
    #[track_caller]
    fn changes(&self, tag: &str, field: &str, word: &str) {
        self.save("schema/tag.yaml", tag);
        self.eventually(field, || self.catalog().contains(&format!("\"{field}\"")));
        self.serves(word);
    }

    #[track_caller]
    fn serves(&self, word: &str) {
        // Migrations are embedded in the server, which this program replaces.
        self.save("app/src/main.rs", &server(word));
        self.answers(word);
    }

    fn catalog(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("migrations/catalog.json")).unwrap_or_default()
    }

    /// The SQL that moved the database from one draft to the next.
    fn rework(&self) -> String {
        std::fs::read_to_string(self.folder.path().join(".dev/rework.sql")).unwrap_or_default()
    }

    fn xtask(&self, arguments: &[&str]) -> (bool, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        let output = command.env_remove("DATABASE_URL").args(arguments).current_dir(self.folder.path()).output();
        let output = output.expect("xtask runs");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    /// Stops `dev`, runs `meanwhile`, and starts it again.
    fn restart(self, meanwhile: impl FnOnce(&Path)) -> Self {
        self.restart_with(&[], meanwhile)
    }

    fn restart_with(mut self, arguments: &[&str], meanwhile: impl FnOnce(&Path)) -> Self {
        self.send(Signal::SIGINT);
        assert!(self.dev.wait().expect("its end").success());
        meanwhile(self.folder.path());
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().expect("a folder"));
        Self::run_with(folder, arguments)
    }

    fn save(&self, path: &str, text: &str) {
        write(self.folder.path(), path, text);
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).expect("the log")
    }

    fn answer(&self) -> Option<String> {
        let mut text = String::new();
        TcpStream::connect(("127.0.0.1", self.port)).ok()?.read_to_string(&mut text).ok()?;
        Some(text)
    }

    #[track_caller]
    fn answers(&self, word: &str) {
        self.eventually(word, || self.answer().as_deref() == Some(word));
    }

    /// Waits for one more report of a problem.
    #[track_caller]
    fn complains(&self, about: &str, times: usize) {
        self.eventually(about, || self.log().matches(about).count() == times);
    }

    #[track_caller]
    fn eventually(&self, what: &str, condition: impl Fn() -> bool) {
        let started = Instant::now();
        while !condition() {
            assert!(started.elapsed() < Duration::from_secs(60), "not within 60 s: {what}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn send(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.dev.id()).expect("a process number")), signal).expect("it is there");
    }

    /// Processes started by this site.
    fn processes(&self) -> Vec<PathBuf> {
        let folder = self.folder.path().to_str().expect("a plain path");
        let all = std::fs::read_dir("/proc").expect("/proc").flatten().map(|entry| entry.path());
        all.filter(|path| std::fs::read_to_string(path.join("cmdline")).is_ok_and(|line| line.contains(folder)))
            .collect()
    }
}

/// From below those that systems give to outgoing connections, which could take it before it is used.
fn free_port() -> u16 {
    static TRIED: AtomicU32 = AtomicU32::new(0);
    let next = || (20_000 + (std::process::id() * 37 + TRIED.fetch_add(1, Ordering::Relaxed)) % 12_000) as u16;
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    std::iter::repeat_with(next).take(1_000).find(is_free).expect("a port")
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.dev.kill();
        let _ = self.dev.wait();
    }
}

fn commit(folder: &Path) {
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=Ada", "-c", "user.email=ada@shop.example"];
        let output = Command::new("git").args(identity).args(arguments).current_dir(folder).output();
        assert!(output.as_ref().is_ok_and(|output| output.status.success()), "{output:?}");
    };
    git(&["init", "--quiet", "--initial-branch=main"]);
    git(&["add", "schema", "migrations"]);
    git(&["commit", "--quiet", "--message", "One more"]);
}

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, text).expect("a file");
}

#[test]
fn what_is_saved_is_served_and_what_is_wrong_changes_nothing() {
    let mut site = Site::start();
    site.answers("first");
    // A second one in the same checkout is refused.
    let second = Command::new(env!("CARGO_BIN_EXE_xtask")).arg("dev").current_dir(site.folder.path()).output();
    assert!(!second.expect("xtask runs").status.success());

    site.save("schema/tag.yaml", &TAG.replace("string", "strng"));
    site.complains("the schema was not accepted", 1);
    assert!(site.log().contains("strng"));
    site.answers("first");
    site.save("app/src/main.rs", &server("second"));
    site.complains("the schema was not accepted", 2);
    // A client that connects while one server replaces another gets a response from one of them.
    let swapped = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let knocking = scope.spawn(|| {
            let mut words = Vec::new();
            while !swapped.load(Ordering::Relaxed) {
                words.push(site.answer());
            }
            words
        });
        site.save("schema/tag.yaml", TAG);
        site.answers("second");
        swapped.store(true, Ordering::Relaxed);
        let words = knocking.join().expect("it ends");
        assert!(words.iter().all(Option::is_some), "{words:?}");
    });

    site.save("app/src/main.rs", "fn main() { no code }");
    site.complains("the code does not compile", 1);
    site.answers("second");
    site.save("app/src/main.rs", &server("unmigrated"));
    site.complains("the database was not migrated", 1);
    site.answers("second");
    for number in 0..20 {
        site.save("app/src/main.rs", &server(&format!("third{number}")));
        std::thread::sleep(Duration::from_millis(30));
    }
    site.answers("third19");

    site.send(Signal::SIGINT);
    assert!(site.dev.wait().expect("its end").success());
    assert_eq!(site.answer(), None);
    assert!(site.processes().is_empty());
}

#[test]
fn nothing_is_left_running_when_it_is_killed() {
    let site = Site::start();
    site.answers("first");
    site.send(Signal::SIGKILL);
    site.eventually("the server is gone", || site.answer().is_none());
    site.eventually("all processes are gone", || site.processes().is_empty());
}

#[test]
fn a_database_goes_on_after_several_migrations_were_made_one() {
    let folder = Site::folder();
    std::fs::create_dir(folder.path().join("migrations")).expect("a folder");
    commit(folder.path());
    let site = Site::run(folder);
    site.eventually("it begins", || site.log().contains("GraphiQL"));
    commit(site.folder.path());
    let mut fields = TAG.to_owned();
    for (number, name) in [(2, "shade"), (3, "size")] {
        fields += &format!("  {name}: {{ type: string, description: More. }}\n");
        site.save("schema/tag.yaml", &fields);
        let file = site.folder.path().join(format!("migrations/000{number}_add_tag_{name}.sql"));
        site.eventually(name, || file.exists());
        // Migrations are embedded in the server, which this program replaces.
        site.save("app/src/main.rs", &server(name));
        site.answers(name);
        commit(site.folder.path());
    }
    let site = site.restart(|folder| {
        let squash = ["migrate", "squash", "--since", "HEAD~2"];
        let output = Command::new(env!("CARGO_BIN_EXE_xtask")).args(squash).current_dir(folder).output();
        assert!(output.as_ref().is_ok_and(|output| output.status.success()), "{output:?}");
        assert!(folder.join("migrations/0002_change_tag.sql").exists(), "{output:?}");
        commit(folder);
    });
    site.eventually("it goes on", || site.log().contains("GraphiQL"));
    // It is the same database with its data: neither an earlier copy nor a new one.
    let replaced = ["gone back", "--reset"].iter().any(|said| site.log().contains(said));
    assert!(!replaced, "{}", site.log());
}

const SUMMARY: &str = "  summary: { type: string, description: In short. }\n";

#[test]
fn a_rename_that_changes_before_it_is_committed_keeps_the_values() {
    let site = Site::committed(&(TAG.to_owned() + SUMMARY));
    let renamed =
        |name: &str| format!("{TAG}{}", SUMMARY.replace("summary", name).replace("string,", "string, was: summary,"));
    site.changes(&renamed("teaser"), "teaser", "renamed");
    site.changes(&renamed("blurb"), "blurb", "second");
    assert!(site.rework().contains("rename column teaser to blurb"), "{}", site.rework());
    let more = "  size: { type: integer, description: How big. }\n";
    site.changes(&(renamed("blurb") + more), "size", "third");
    site.changes(&format!("{TAG}{SUMMARY}{more}"), "summary", "fourth");
    let sql = site.rework();
    assert!(sql.contains("rename column blurb to summary") && !sql.contains("drop column"), "{sql}");
    assert!(!site.log().contains("went back"), "{}", site.log());
}

#[test]
fn a_field_that_is_dropped_no_more_has_its_values_again() {
    let site = Site::committed(&(TAG.to_owned() + SUMMARY));
    let more = "  size: { type: integer, description: How big. }\n";
    site.save("schema/tag.yaml", &format!("{TAG}  summary: {{ drop: true }}\n{more}"));
    site.complains("the schema was not accepted", 1);
    let (done, said) = site.xtask(&["generate", "--allow", "M103=tag.summary"]);
    assert!(done, "{said}");
    site.serves("dropped");
    site.changes(&format!("{TAG}{SUMMARY}{more}"), "summary", "back");
    let log = site.log();
    assert!(
        log.contains("without losing values of tag.summary") && log.contains("went back to dev-main--before--0002"),
        "{log}"
    );
    assert!(log.contains("dev-main--aside"), "{log}");
}

#[test]
fn a_draft_behind_a_migration_by_hand_is_taken_back() {
    let site = Site::committed(&(TAG.to_owned() + SUMMARY));
    let drafts = || {
        let names = std::fs::read_dir(site.folder.path().join("migrations")).expect("the folder").flatten();
        let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.ends_with(".sql") && !name.starts_with("0001")).count()
    };
    let (done, said) = site.xtask(&["migrate", "new", "books"]);
    assert!(done, "{said}");
    let (done, said) = site.xtask(&["migrate", "undo"]);
    assert!(!done && said.contains("stop it, run this again"), "{said}");
    let renamed = SUMMARY.replace("summary", "teaser").replace("string,", "string, was: summary,");
    site.changes(&format!("{TAG}{renamed}"), "teaser", "renamed");
    assert_eq!(drafts(), 2);
    let (done, said) = site.xtask(&["migrate", "undo"]);
    assert!(!done && said.contains("take the change in schema/ back instead"), "{said}");
    site.changes(&(TAG.to_owned() + SUMMARY), "summary", "back");
    assert_eq!(drafts(), 1);
    assert!(site.log().contains("went back to dev-main--before--000"), "{}", site.log());
}

#[test]
fn a_draft_that_a_new_database_begins_with_is_taken_back() {
    let site = Site::committed(&(TAG.to_owned() + SUMMARY));
    let more = "  size: { type: integer, description: How big. }\n";
    let site = site.restart_with(&["--reset"], |folder| {
        write(folder, "schema/tag.yaml", &format!("{TAG}{SUMMARY}{more}"));
    });
    site.eventually("it begins", || site.log().contains("GraphiQL"));
    site.save("schema/tag.yaml", &(TAG.to_owned() + SUMMARY));
    site.eventually("no size", || !site.catalog().contains("\"size\""));
    site.serves("back");
    assert!(site.log().contains("went back to dev-main--before--0002_add_tag_size"), "{}", site.log());
    // The demo did not fit the draft.
    assert!(site.log().contains("demo of back"), "{}", site.log());
}

#[test]
fn no_server_is_there_while_its_database_is_not() {
    let mut site = Site::committed(&(TAG.to_owned() + SUMMARY));
    let more = "  size: { type: integer, description: How big. }\n";
    site.changes(&format!("{TAG}{SUMMARY}{more}"), "size", "more");
    site.save("schema/tag.yaml", &(TAG.to_owned() + SUMMARY));
    site.eventually("no size", || !site.catalog().contains("\"size\""));
    site.save("app/src/main.rs", &server("unmigrated"));
    site.complains("the database was not migrated", 1);
    // The stopped server is started again.
    site.answers("more");
    assert!(site.log().contains("the previous server keeps running"), "{}", site.log());
    site.serves("back");
    assert!(site.log().contains("went back to"), "{}", site.log());
    site.send(Signal::SIGINT);
    assert!(site.dev.wait().expect("its end").success());
    assert!(!site.log().contains("ERROR"), "{}", site.log());
}

#[test]
fn a_draft_that_was_answered_goes_on_with_the_same_database() {
    let site = Site::committed(TAG);
    let weight = "  weight: { type: integer, required: true, description: How heavy. }\n";
    site.save("schema/tag.yaml", &(TAG.to_owned() + weight));
    site.complains("the schema was not accepted", 1);
    let (done, said) = site.xtask(&["generate", "--set", "tag.weight=7"]);
    assert!(done, "{said}");
    site.serves("weight");
    site.changes(&format!("{TAG}{weight}  size: {{ type: integer, description: How big. }}\n"), "size", "size");
    assert!(site.rework().contains("add column size"), "{}", site.rework());
    assert!(!site.log().contains("went back"), "{}", site.log());
}
