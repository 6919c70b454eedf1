//! The database names passed to the server are those of the catalog, however long they are.

use codegen::SourceFile;
use codegen::catalog::{Catalog, lower};
use codegen::emit::{MigrationsInput, emit};
use codegen::migrate::{Answers, plan};

use crate::support::compile;

const LONG: &str = "recommended_for_readers_who_liked_the_first_part";

fn sources(product: &str, was: &str) -> Vec<SourceFile> {
    let access = "access: { admin: { read: all } }";
    let other = "frequently_bought_together_bundle_of_things";
    let fields = format!(
        "  name: {{ type: string, unique: true }}
  {LONG}: {{ type: relation, to: [{product}, {other}] }}
  recommended_to_all: {{ type: relation, to: [{product}, {other}], many: true }}
  variants: {{ type: children, fields: {{ {LONG}: {{ type: relation, to: [{product}, {other}] }} }} }}"
    );
    let text = format!("type: {product}\nplural: all\n{was}{access}\nfields:\n{fields}\n");
    let bundle = format!("type: {other}\n{access}\nfields: {{ name: {{ type: string }} }}\n");
    let site = "site: { name: Long, currency: EUR, currencies: [EUR], locales: [en] }\n".to_owned();
    let files = [("cms", site), (product, text), (other, bundle)];
    files.map(|(name, text)| SourceFile { path: format!("schema/{name}.yaml"), text }).into()
}

/// The string literals in a file.
fn texts(file: &str) -> Vec<&str> {
    file.split('"').skip(1).step_by(2).collect()
}

#[test]
fn columns_and_constraints_are_those_of_the_catalog() {
    let schema = compile(&sources("product", ""));
    let catalog = lower(&schema);
    let output = emit(&schema, &MigrationsInput::default());
    let (_, file) = output.files().iter().find(|(path, _)| path.ends_with("content/product.rs")).expect("the file");
    let known = texts(file);
    let mut long = 0;
    for table in catalog.tables.values().filter(|table| !table.fields.is_empty()) {
        let columns = table.columns.iter().filter(|column| column.name.contains("recommended"));
        for column in columns {
            long += usize::from(column.name.len() == 63);
            assert!(known.contains(&column.name.as_str()), "the server is not told of {}", column.name);
        }
        for key in table.foreign_keys.iter().filter(|key| key.column.contains("recommended")) {
            assert!(known.contains(&key.name.as_str()), "the server is not told of {}", key.name);
        }
    }
    assert_eq!(long, 2, "names are long enough to be shortened");
}

#[test]
fn ids_from_before_a_rename_are_known() {
    let first = compile(&sources("product", ""));
    let migration = plan(&Catalog::default(), &first, &Answers::default()).expect("no hazards").migration(1, "");
    let mut catalog = migration.catalog;
    for (name, was) in [("article", "was: product\n"), ("offer", "was: article\n")] {
        let renamed = compile(&sources(name, was));
        let answers = Answers::parse(&[], false, &[]).expect("no answers");
        let before = Catalog::from_json(&catalog).expect("what was written can be read");
        catalog = plan(&before, &renamed, &answers).expect("a rename needs no answer").migration(2, "").catalog;
    }
    let schema = compile(&sources("offer", ""));
    let input = MigrationsInput { catalog: catalog.clone(), ..MigrationsInput::default() };
    let output = emit(&schema, &input);
    let (_, file) = output.files().iter().find(|(path, _)| path.ends_with("content/offer.rs")).expect("the file");
    assert!(file.contains(r#"table: "offer", former: &["article", "product"]"#), "{file}");
    assert!(file.contains(r#"table: "offer_variant", former: &["article_variant", "product_variant"]"#), "{file}");
    // The name is reused: ids with this prefix belong to the new type.
    let mut again = sources("offer", "");
    again.push(SourceFile {
        path: "schema/article.yaml".into(),
        text: "type: article\naccess: { admin: { read: all } }\nfields: { name: { type: string } }\n".into(),
    });
    let before = Catalog::from_json(&catalog).expect("what was written can be read");
    let after = plan(&before, &compile(&again), &Answers::default()).expect("a new type").migration(3, "").catalog;
    let after = Catalog::from_json(&after).expect("what was written can be read");
    assert_eq!(after.tables["offer"].former, ["product"]);
}
