//! A workspace with a made-up schema, the crate generated from it, and a server that links both.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};

use crate::drift;
use crate::project::Project;

/// Name of the package and the program.
pub const SERVER: &str = "bench_server";

pub struct Scratch {
    pub root: PathBuf,
    /// Shared by all sizes, so that dependencies are compiled once.
    pub target: PathBuf,
    types: usize,
    added: usize,
}

impl Scratch {
    /// Recreates the workspace; earlier build output is kept.
    pub fn new(project: &Project, types: usize) -> anyhow::Result<Self> {
        let folder = project.path("target/bench-compile");
        let scratch =
            Self { root: folder.join(format!("types-{types}")), target: folder.join("target"), types, added: 0 };
        if scratch.root.exists() {
            fs::remove_dir_all(&scratch.root).context("the previous scratch workspace cannot be removed")?;
        }
        let manifest = fs::read_to_string(project.path("Cargo.toml")).context("Cargo.toml cannot be read")?;
        scratch.write("Cargo.toml", &workspace(&manifest, project))?;
        let lock = fs::read_to_string(project.path("Cargo.lock")).context("Cargo.lock cannot be read")?;
        scratch.write("Cargo.lock", &lock)?;
        scratch.write("generated/Cargo.toml", &package("generated", "runtime.workspace = true\n"))?;
        let both = "generated.workspace = true\nmimalloc.workspace = true\nruntime.workspace = true\n";
        scratch.write("server/Cargo.toml", &package(SERVER, both))?;
        scratch.write("server/src/main.rs", MAIN)?;
        scratch.write("schema/cms.yaml", SITE)?;
        scratch.write("schema/media.yaml", MEDIA)?;
        (0..types).try_for_each(|index| scratch.write(&type_path(index), &content_type(index, types)))?;
        scratch.git(&["init", "--quiet"])?;
        Ok(scratch)
    }

    /// Commits, so that the next change is a separate migration, as on a site that has applied the earlier ones.
    pub fn commit(&self) -> anyhow::Result<()> {
        self.git(&["add", "schema", "migrations"])?;
        self.git(&[
            "-c",
            "user.name=bench",
            "-c",
            "user.email=bench@example.com",
            "commit",
            "--quiet",
            "--message",
            "Next",
        ])
    }

    fn git(&self, args: &[&str]) -> anyhow::Result<()> {
        let status = Command::new("git").args(args).current_dir(&self.root).status().context("git does not start")?;
        ensure!(status.success(), "`git {}` failed", args.join(" "));
        Ok(())
    }

    /// Adds a field to one of the types.
    pub fn add_field(&mut self) -> anyhow::Result<()> {
        self.added += 1;
        let path = type_path(self.types / 2);
        let text = fs::read_to_string(self.root.join(&path)).with_context(|| format!("{path} cannot be read"))?;
        let field =
            format!("  extra_{}: {{ type: string, max: 40, filterable: true, description: One more. }}\n", self.added);
        self.write(&path, &(text + &field))
    }

    /// Lines of generated Rust.
    pub fn lines(&self) -> anyhow::Result<usize> {
        let project = Project { root: self.root.clone() };
        let files = drift::files(&project, "generated/src")?;
        let lines = |path: &String| anyhow::Ok(fs::read_to_string(self.root.join(path))?.lines().count());
        files.iter().map(lines).sum()
    }

    fn write(&self, path: &str, text: &str) -> anyhow::Result<()> {
        let path = self.root.join(path);
        let folder = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))
    }
}

/// The project's own manifest, with its versions, lints and profiles, but other members.
fn workspace(manifest: &str, project: &Project) -> String {
    let runtime = project.path("runtime");
    let line = |line: &str| match line.split([' ', '=']).next().unwrap_or_default() {
        "members" => "members = [\"generated\", \"server\"]\n".to_owned(),
        "default-members" | "codegen" => String::new(),
        "runtime" => format!("runtime = {{ path = {:?} }}\n", runtime.display().to_string()),
        _ => format!("{line}\n"),
    };
    manifest.lines().map(line).collect()
}

fn package(name: &str, dependencies: &str) -> String {
    format!(
        "[package]\nname = \"{name}\"\nversion.workspace = true\nedition.workspace = true\n\n[lints]\nworkspace = true\n\n[dependencies]\n{dependencies}"
    )
}

fn type_path(index: usize) -> String {
    format!("schema/{}.yaml", type_name(index))
}

/// Without digits, which would make bad ids: `kind_ab`.
fn type_name(index: usize) -> String {
    let letter = |number: usize| char::from(b'a' + (number % 26) as u8);
    format!("sort_{}{}", letter(index / 26), letter(index))
}

/// Twelve fields, two of them relations.
fn content_type(index: usize, types: usize) -> String {
    let (name, one, many) = (type_name(index), type_name((index + 1) % types), type_name((index + 7) % types));
    format!(
        "type: {name}
description: One of {types} content types.
title: name
lifecycle: {{ drafts: true }}
access:
  anonymous: {{ read: all }}
  editor: {{ read: all, read_drafts: all, create: all, update: {{ where: {{ created_by: $user }} }}, publish: all, delete: all }}
fields:
  name: {{ type: string, max: 200, required: true, filterable: true, sortable: true, description: A name. }}
  slug: {{ type: slug, from: name, unique: true, required: true, description: A part of an address. }}
  summary: {{ type: text, max: 500, description: Some words. }}
  body: {{ type: markdown, description: Many words. }}
  price: {{ type: money, min: 0, filterable: true, sortable: true, description: An amount. }}
  stock: {{ type: integer, min: 0, filterable: true, description: A number. }}
  weight: {{ type: decimal, filterable: true, description: A precise number. }}
  active: {{ type: boolean, default: true, filterable: true, description: Yes or no. }}
  state: {{ type: enum, values: [new, used, broken], filterable: true, description: One of three. }}
  released: {{ type: date, filterable: true, sortable: true, description: A day. }}
  main: {{ type: relation, to: {one}, on_delete: set_null, inverse: mains_of_{name}, description: One other. }}
  others: {{ type: relation, to: {many}, many: true, on_delete: set_null, inverse: others_of_{name}, description: Several others. }}
"
    )
}

const SITE: &str = "site: { name: Bench, currency: EUR, currencies: [EUR], locales: [en] }\n";

const MEDIA: &str = "type: media
description: A file.
access: { anonymous: { read: all } }
fields:
  url: { type: url, unique: true, required: true, description: Where it is. }
";

const MAIN: &str = "//! A server without code of its own.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Nothing;

fn main() -> ExitCode {
    runtime::Server::new(&generated::SCHEMA).site(generated::site(Nothing)).main()
}
";
