//! Tests of keys that a mapping reads and the data does not have.

use super::*;
use crate::import::read::{Form, Reader};
use crate::import::source::{Reading, open};
use crate::import::unread::{Key, Unread};

fn keys(text: &str) -> Vec<Key> {
    compile(text, &PRODUCT, &SCHEMA).unwrap_or_else(|faults| panic!("{faults:?}")).keys
}

fn of_table(text: &str, columns: &[&str]) -> Vec<String> {
    let columns: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
    Unread::new(keys(text)).without(&columns).iter().map(ToString::to_string).collect()
}

fn of_records(text: &str, records: &[Json]) -> Vec<String> {
    let mut unread = Unread::new(keys(text));
    records.iter().for_each(|record| unread.see(Some(record)));
    unread.left().iter().map(ToString::to_string).collect()
}

#[test]
fn a_name_that_is_no_column_is_told_with_its_place_before_the_import() {
    let mapping = "where: item['Zustand'] != 'alt'
fields:
  name: Bezeichnung
  slug: Bezeichnung | slug
  description: Beschreibng
  price: Preiss | money('EUR')
  on_sale: Preiss or record['xyz'] or uvw
";
    assert_eq!(
        of_table(mapping, &["Bezeichnung", "Beschreibung", "Preis", "Zustand"]),
        [
            "5:16: warning: `Beschreibng` is not a column of the table\n  help: did you mean `Beschreibung`?",
            "6:10: warning: `Preiss` is not a column of the table\n  help: did you mean `Preis`?",
            "7:30: warning: `xyz` is not a column of the table\n  help: its columns are Bezeichnung, Beschreibung, Preis, Zustand",
            "7:39: warning: `uvw` is not a column of the table",
        ]
    );
    assert!(of_table(mapping, &["Bezeichnung", "Beschreibng", "Preiss", "Zustand", "xyz", "uvw"]).is_empty());
}

#[test]
fn rows_have_the_columns_and_items_of_other_lists_may_have_any_key() {
    let mapping = r#"group_by: { value: Handl, as: lines }
fields:
  name: Title
  slug: (lines | first).Slugg
  price: lines | selectattr('Prise') | map(attribute='Price') | lowest | money('EUR')
  categories: { value: "Tags | split(',')", lookup: { key: any, create: true, fields: { name: item.thing } } }
  variants:
    - each: lines | selectattr('Price', 'ne', '0')
      where: item['Sku'] and loop.index and Size is defined
      fields: { sku: Skuu, options: "{'a': record.Titel, 'b': parent.lines, 'c': Size}" }
    - each: Tags | split(',')
      fields: { sku: whatever, options: parent.Tagz }
"#;
    let told = of_table(mapping, &["Handle", "Title", "Slug", "Price", "Tags", "Sku"]);
    let names: Vec<&str> = told.iter().filter_map(|text| text.split('`').nth(1)).collect();
    assert_eq!(names, ["Handl", "Slugg", "Prise", "Skuu", "Titel", "Tagz"], "{told:#?}");
}

#[test]
fn a_key_that_no_record_has_is_told_when_all_are_read() {
    let mapping = "fields: { name: name, slug: slug, description: Beschreibng, price: price, on_sale: sale }";
    let records = [
        json!({"name": "a", "slug": "a", "price": null}),
        json!({"name": "b", "slug": "b", "Beschreibung": "x", "sale": true}),
    ];
    let told =
        "1:48: warning: the mapping reads `Beschreibng`, which no record has\n  help: did you mean `Beschreibung`?";
    assert_eq!(of_records(mapping, &records), [told]);
    assert!(of_records(mapping, &[]).is_empty());
}

/// The messages before the first record, and after the last.
fn said(mapping: &str, name: &str, content: &str) -> (Vec<String>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, content).unwrap();
    let mapping = compile(mapping, &PRODUCT, &SCHEMA).unwrap_or_else(|faults| panic!("{faults:?}"));
    let form = Form::Mapped(Box::new(Mapper::new(mapping, &SCHEMA.site)));
    let mut reader = Reader::new(open(&file, &Reading::default(), true).unwrap(), form, 1, false).unwrap();
    let before = reader.unknown().iter().map(ToString::to_string).collect();
    while reader.next().unwrap().is_some() {}
    (before, reader.unread().iter().map(ToString::to_string).collect())
}

#[test]
fn a_table_is_checked_before_it_is_read_and_lines_of_json_after() {
    let mapping = "group_by: slug\nfields: { name: name, slug: slug, description: 'rows[0].txt' }";
    let table = said(mapping, "x.csv", "slug,name,text\na,A,x\n");
    assert_eq!(
        table,
        (vec!["2:57: warning: `txt` is not a column of the table\n  help: did you mean `text`?".into()], vec![])
    );
    for mapping in [mapping, "\nfields: { name: name, slug: slug, description: record.txt }"] {
        let lines = "{\"slug\":\"a\",\"name\":\"A\",\"text\":\"x\"}\n{\"slug\":\"b\",\"name\":\"B\"}\n";
        let (before, after) = said(mapping, "x.ndjson", lines);
        assert!(before.is_empty() && after.len() == 1, "{before:?} {after:?}");
        assert!(after[0].contains("reads `txt`, which no record has\n  help: did you mean `text`?"), "{after:?}");
    }
}

#[test]
fn a_required_field_that_is_missing_is_told_with_what_was_meant() {
    let text = "fields: { name: Bezeichnug | trim, slug: slug }";
    let mapping = compile(text, &PRODUCT, &SCHEMA).unwrap_or_else(|faults| panic!("{faults:?}"));
    let record = json!({"Bezeichnung": "Lamp", "slug": "lamp"});
    let Applied::Rejected(problems) = Mapper::new(mapping, &SCHEMA.site).apply(1, &record) else { panic!() };
    assert_eq!(problems[0].message, "is missing: `Bezeichnug | trim` gives nothing; did you mean `Bezeichnung`?");
}
