//! Reads schemas and generated files from the working tree, for the emitter tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use codegen::SourceFile;
use codegen::emit::{MigrationsInput, emit};
use codegen::schema::Schema;

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// The site that the product is tested with.
pub fn shop() -> PathBuf {
    root().join("shop")
}

/// The files under the folder with this ending: texts by relative path with `/`.
pub fn files(folder: &Path, ending: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    collect(folder, "", ending, &mut found);
    found
}

fn collect(folder: &Path, prefix: &str, ending: &str, found: &mut BTreeMap<String, String>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("a readable folder").path();
        let name = format!("{prefix}{}", path.file_name().expect("a name").to_string_lossy());
        if path.is_dir() {
            collect(&path, &format!("{name}/"), ending, found);
        } else if name.ends_with(ending) {
            found.insert(name, std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}")));
        }
    }
}

/// The schema in the subfolder `schema`.
pub fn sources(folder: &Path) -> Vec<SourceFile> {
    let yaml = files(&folder.join("schema"), ".yaml");
    yaml.into_iter().map(|(path, text)| SourceFile { path: format!("schema/{path}"), text }).collect()
}

pub fn compile(sources: &[SourceFile]) -> Schema {
    codegen::compile(sources).unwrap_or_else(|found| panic!("{}", found.render(sources))).schema
}

/// The generator's output for the sources, without migrations.
pub fn generate(sources: &[SourceFile]) -> BTreeMap<String, String> {
    emit(&compile(sources), &MigrationsInput::default()).into_files()
}
