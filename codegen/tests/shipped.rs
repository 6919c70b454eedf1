//! The content types that ship with the project compile without a warning.

use codegen::SourceFile;

fn shipped() -> Vec<SourceFile> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shop");
    let mut sources = Vec::new();
    for folder in ["schema", "schema/components"] {
        for entry in std::fs::read_dir(root.join(folder)).expect("the folder is there") {
            let path = entry.expect("the folder can be read").path();
            if path.extension().is_some_and(|extension| extension == "yaml") {
                let name = path.file_name().expect("a file has a name").to_string_lossy();
                let text = std::fs::read_to_string(&path).expect("the file can be read");
                sources.push(SourceFile { path: format!("{folder}/{name}"), text });
            }
        }
    }
    sources
}

#[test]
fn the_shipped_schema_compiles() {
    let sources = shipped();
    let compiled = codegen::compile(&sources).unwrap_or_else(|found| panic!("{}", found.render(&sources)));
    assert!(compiled.warnings.is_empty(), "{}", compiled.warnings.render(&sources));
    let names: Vec<_> = compiled.schema.types.iter().map(|ty| ty.name.snake()).collect();
    // A site adds its own types.
    for name in ["author", "brand", "category", "media", "post", "product", "service", "tag"] {
        assert!(names.contains(&name), "{name} is missing");
    }
}
