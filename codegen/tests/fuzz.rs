//! No input makes the compiler panic or hang: random bytes, random YAML, and the shipped files with lines moved around.

use std::time::{Duration, Instant};

use codegen::catalog::Catalog;
use codegen::emit::{MigrationsInput, check, emit};
use codegen::{SourceFile, migrate};
use proptest::prelude::*;

/// Inputs of this size take milliseconds, the bombs a second; only an endless loop takes longer than this.
const LONGEST: Duration = Duration::from_secs(20);

/// All of them, so that a file with a harmless change still compiles.
const SHIPPED: &[(&str, &str)] = &[
    ("schema/cms.yaml", include_str!("../../shop/schema/cms.yaml")),
    ("schema/product.yaml", include_str!("../../shop/schema/product.yaml")),
    ("schema/author.yaml", include_str!("../../shop/schema/author.yaml")),
    ("schema/brand.yaml", include_str!("../../shop/schema/brand.yaml")),
    ("schema/category.yaml", include_str!("../../shop/schema/category.yaml")),
    ("schema/components/area.yaml", include_str!("../../shop/schema/components/area.yaml")),
    ("schema/components/call_to_action.yaml", include_str!("../../shop/schema/components/call_to_action.yaml")),
    ("schema/components/faq.yaml", include_str!("../../shop/schema/components/faq.yaml")),
    ("schema/components/faq_item.yaml", include_str!("../../shop/schema/components/faq_item.yaml")),
    ("schema/components/gallery.yaml", include_str!("../../shop/schema/components/gallery.yaml")),
    ("schema/components/opening_hours.yaml", include_str!("../../shop/schema/components/opening_hours.yaml")),
    ("schema/components/product_option.yaml", include_str!("../../shop/schema/components/product_option.yaml")),
    ("schema/components/seo.yaml", include_str!("../../shop/schema/components/seo.yaml")),
    ("schema/components/text.yaml", include_str!("../../shop/schema/components/text.yaml")),
    ("schema/media.yaml", include_str!("../../shop/schema/media.yaml")),
    ("schema/post.yaml", include_str!("../../shop/schema/post.yaml")),
    ("schema/service.yaml", include_str!("../../shop/schema/service.yaml")),
    ("schema/tag.yaml", include_str!("../../shop/schema/tag.yaml")),
];

/// Compiles, then renders the errors or emits the output, in bounded time.
fn survives(sources: &[SourceFile]) {
    let start = Instant::now();
    match codegen::compile(sources) {
        Ok(compiled) => {
            drop(compiled.warnings.render(sources));
            let output = emit(&compiled.schema, &MigrationsInput::default());
            assert!(!output.files().is_empty());
            output.files().iter().for_each(|(path, text)| check(path, text));
            let plan = migrate::plan(&Catalog::default(), &compiled.schema, &Default::default());
            assert!(
                plan.is_ok_and(|plan| !plan.is_empty() || compiled.schema.types.is_empty()),
                "nothing is lost at the start"
            );
        }
        Err(found) => assert!(!found.render(sources).is_empty(), "an error says what is wrong"),
    }
    assert!(start.elapsed() < LONGEST, "took {:?}", start.elapsed());
}

fn file(path: &str, text: impl Into<String>) -> SourceFile {
    SourceFile { path: path.to_owned(), text: text.into() }
}

fn shipped() -> Vec<SourceFile> {
    SHIPPED.iter().map(|(path, text)| file(path, *text)).collect()
}

/// Words of the language and YAML marks, so that many random texts get past the first checks.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "type:",
            "fields:",
            "type",
            "string",
            "relation",
            "to:",
            "self",
            "product",
            "children",
            "values:",
            "default:",
            "min:",
            "max:",
            "pattern:",
            "unique:",
            "many:",
            "true",
            "of:",
            "blocks",
            "component:",
            "inverse:",
            "was:",
            "drop:",
            "access:",
            "indexes:",
            "on:",
            "computed:",
            "with:",
            "required:",
            "publish",
            "name:",
            "name",
            "12",
            "-1.5",
            "a",
            "b:",
            "\n",
            "\n  ",
            "\n    ",
            "- ",
            "{",
            "}",
            "[",
            "]",
            ", ",
            ": ",
            "#",
            "'",
            "\"",
            "|\n",
            ">\n",
            "&a ",
            "*a ",
            "<<: ",
            "!!str ",
            "---\n",
            "...\n",
            "%YAML 1.2\n",
            "?",
            "\t",
            "\r\n",
            "\u{feff}",
            "é",
            "日本",
            "👩‍👧",
        ])
        .prop_map(str::to_owned),
        "[a-z_]{1,8}".prop_map(|word| word + " "),
        any::<char>().prop_map(String::from),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        survives(&[file("schema/cms.yaml", SHIPPED[0].1), file("schema/product.yaml", String::from_utf8_lossy(&bytes))]);
    }

    #[test]
    fn random_words(words in prop::collection::vec(word(), 0..120)) {
        survives(&[file("schema/product.yaml", format!("type: product\nfields:\n  {}", words.concat()))]);
        survives(&[file("schema/cms.yaml", words.concat()), file("schema/components/product.yaml", words.concat())]);
    }

    #[test]
    fn random_changes_of_the_shipped_files(
        changes in prop::collection::vec((0..SHIPPED.len(), 0..4usize, any::<prop::sample::Index>(), any::<prop::sample::Index>(), word()), 1..12)
    ) {
        let mut sources = shipped();
        for (at, change, from, to, word) in changes {
            let mut lines: Vec<_> = sources[at].text.split_inclusive('\n').map(str::to_owned).collect();
            if lines.is_empty() {
                continue;
            }
            let (from, to) = (from.index(lines.len()), to.index(lines.len()));
            match change {
                0 => drop(lines.remove(from)),
                1 => lines.insert(to, lines[from].clone()),
                2 => lines.swap(from, to),
                _ => {
                    let at = lines[from].char_indices().map(|(at, _)| at).nth(to % lines[from].chars().count().max(1));
                    lines[from].insert_str(at.unwrap_or(0), &word);
                }
            }
            sources[at].text = lines.concat();
        }
        survives(&sources);
    }
}

#[test]
fn bombs_are_small() {
    let mut aliases = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (from, to) in ('a'..'k').zip('b'..'l') {
        aliases += &format!("{to}: &{to} [*{from}, *{from}, *{from}, *{from}, *{from}, *{from}, *{from}, *{from}]\n");
    }
    let fields =
        |line: fn(usize) -> String| "type: product\nfields:\n".to_owned() + &(0..3_000).map(line).collect::<String>();
    let long = "x".repeat(900_000);
    let bombs = [
        aliases,
        "[".repeat(500_000),
        "{a: ".repeat(200_000),
        "- ".repeat(400_000),
        "? ".repeat(400_000),
        (0..2_000).map(|depth| " ".repeat(depth % 200) + "a:\n").collect(),
        (0..300).map(|depth| " ".repeat(depth) + "a:\n").collect(),
        format!("type: product\nfields: {{ name: {{ type: {long} }} }}"),
        format!("type: product\nfields: {{ {long}: {{ type: string }} }}"),
        format!("type: product\ndescription: \"{long}"),
        format!("type: product\nfields: {{ name: {{ type: string, pattern: \"{}\" }} }}", "(a{1000}){1000}"),
        format!("type: product\nfields: {{ name: {{ type: string, pattern: \"{}\" }} }}", "(".repeat(100_000)),
        format!("type: product\nfields: {{ name: {{ type: integer, min: {}, max: -1 }} }}", "9".repeat(100_000)),
        format!("type: product\nfields: {{ name: {{ type: date, default: {} }} }}", "9".repeat(100_000)),
        fields(|number| format!("  field_{number}: {{ type: string, uniqe: true }}\n")),
        fields(|number| format!("  field_{number}: {{ type: relation, to: nothing_{number} }}\n")),
        fields(|_| "  same: { type: string }\n".to_owned()),
        "\u{0}".repeat(1000),
        "x".repeat(3_000_000),
    ];
    for bomb in bombs {
        survives(&[file("schema/cms.yaml", SHIPPED[0].1), file("schema/product.yaml", bomb)]);
    }
}

#[test]
fn a_long_chain_of_components_is_reported() {
    let mut sources = vec![file("schema/cms.yaml", SHIPPED[0].1)];
    for number in 0..1_000 {
        let text = format!(
            "component: part_{number}\nfields: {{ next: {{ type: component, of: part_{} }} }}",
            (number + 1) % 1_000
        );
        sources.push(file(&format!("schema/components/part_{number}.yaml"), text));
    }
    survives(&sources);
}

#[test]
fn the_order_of_the_files_changes_nothing() {
    let mut sources = shipped();
    sources[1].text = sources[1].text.replace("type: string", "type: strng");
    let forth = codegen::compile(&sources).expect_err("the type is unknown").render(&sources);
    sources.reverse();
    let back = codegen::compile(&sources).expect_err("the type is unknown").render(&sources);
    assert_eq!(forth, back);
}

#[test]
fn columns_count_characters() {
    let place = |text: &str| {
        let sources = [file("schema/cms.yaml", SHIPPED[0].1), file("schema/product.yaml", text)];
        codegen::compile(&sources).expect_err("the type is unknown").render(&sources)
    };
    let plain = "type: product\nfields:\n  name: { description: AB, type: strng }\n";
    assert!(place(plain).contains("schema/product.yaml:3:34"), "{}", place(plain));
    assert!(place(&plain.replace('\n', "\r\n")).contains("schema/product.yaml:3:34"));
    assert!(place(&plain.replace("AB", "日本")).contains("schema/product.yaml:3:34"));
    assert!(place(&format!("\u{feff}{plain}")).contains("schema/product.yaml:3:34"));
    // The marks are below wide characters, which take two columns each.
    assert!(
        place(&plain.replace("AB", "日本")).contains(&format!("  |{}^^^^^", " ".repeat(36))),
        "{}",
        place(&plain.replace("AB", "日本"))
    );
}
