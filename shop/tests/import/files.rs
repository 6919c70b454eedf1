//! Files as they arrive: with a byte order mark, in other encodings, truncated, compressed, and with invalid records.

use crate::catalogue::Catalogue;

#[tokio::test]
async fn lines_that_are_no_records_are_rejected_with_their_cause() {
    let shop = Catalogue::new().await;
    let file = [
        b"\xef\xbb\xbf{\"name\":\"One\",\"slug\":\"one\"}\r\n\r\n   \n".to_vec(),
        b"{\"name\":\"Two\",\"slug\":\"two\"}\r\n{\"name\":\"Bad \xff\",\"slug\":\"x\"}\n".to_vec(),
        b"{\"name\":\"Lone \\ud83d half\",\"slug\":\"x\"}\n{\"name\":\"a\",\"name\":\"b\",\"slug\":\"x\"}\n".to_vec(),
        b"{\"name\":\"NUL \\u0000\",\"slug\":\"x\"}\n[1]\n\"text\"\n{\"name\":\"x\",}\n".to_vec(),
        "\u{feff}{\"name\":\"Mark\",\"slug\":\"mark\"}\n{\"name\":\"Line\u{2028}end\u{85}\",\"slug\":\"line\"}\n"
            .into(),
        b"{\"name\":\"a\",\"slug\":\"r\"}\r{\"name\":\"b\",\"slug\":\"s\"}\n{\"name\":\"Cut o".to_vec(),
    ]
    .concat();
    let imported = shop.try_import("tag", None, ("tags.ndjson", &file), |_| {}).await.unwrap();
    assert_eq!(shop.column("select slug from draft.tag order by slug collate \"C\"").await, ["mark", "one", "two"]);
    assert_eq!((imported.summary.read, imported.counts()), (13, (3, 0, 0, 10)));
    for (line, cause) in [
        (5, "not UTF-8"),
        (6, "surrogate"),
        (7, "duplicate key `name`"),
        (9, "but the line is a list"),
        (10, "but the line is a text"),
        (11, "trailing comma"),
        (14, "carriage returns between them"),
        (15, "ends too early"),
    ] {
        assert!(imported.message(line).contains(cause), "{line}: {}", imported.message(line));
    }
    // U+2028 in a record does not end a line of the file, but it does end a line of a text.
    for problem in ["8 INVALID_VALUE name", "13 INVALID_VALUE name"] {
        assert!(imported.problems().contains(&problem.to_owned()), "{:?}", imported.problems());
    }
    shop.close().await;
}

#[tokio::test]
async fn a_row_whose_quotes_are_wrong_is_rejected_alone() {
    let shop = Catalogue::new().await;
    let map = Some("fields:\n  name: name\n  slug: slug\n");
    let file =
        b"slug,name\n\"a\",\"He said \"\"hi\"\" now\"\n\"b\",\"He said \"hi\" now\"\nc,5\" pipe\n\"d\" ,\"..7\" \n";
    let imported = shop.try_import("tag", map, ("tags.csv", file), |_| {}).await.unwrap();
    assert_eq!(imported.counts(), (3, 0, 0, 1));
    assert!(imported.message(3).contains("a `\"` inside of a quoted cell is written twice"), "{}", imported.message(3));
    assert_eq!(
        shop.column("select name from draft.tag order by slug collate \"C\"").await,
        ["He said \"hi\" now", "5\" pipe", "..7"]
    );
    shop.close().await;
}

#[tokio::test]
async fn a_file_that_is_no_file_of_lines_is_refused_whole() {
    let shop = Catalogue::new().await;
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let line = "{\"name\":\"One\",\"slug\":\"one\"}\n";
    let marked = [b"\xff\xfe".to_vec(), wide(line)].concat();
    for (content, cause) in [
        (format!("[\n{line}]\n").into_bytes(), "jq -c '.[]'"),
        (marked.clone(), "UTF-16LE"),
        (wide(line), "UTF-16LE"),
        (line.replace('\n', "\r").repeat(2).into_bytes(), "carriage return"),
    ] {
        let refused = shop.try_import("tag", None, ("tags.ndjson", &content), |_| {}).await.err().unwrap();
        assert!(refused.contains(cause), "{refused}");
    }
    assert_eq!(shop.count("select count(*) from draft.tag").await, 0);
    let named = shop.try_import("tag", None, ("tags.ndjson", &marked), |options| {
        options.reading.encoding = runtime::import::encoding("utf-16").ok();
    });
    assert_eq!(named.await.unwrap().counts(), (1, 0, 0, 0));
    shop.close().await;
}

#[tokio::test]
async fn a_record_has_a_limit_and_the_next_one_is_read() {
    let shop = Catalogue::new().await;
    let good = |slug: &str| format!("{{\"name\":\"{slug}\",\"slug\":\"{slug}\"}}\n");
    let long = format!("{{\"name\":\"{}\"}}\n", "x".repeat(17 << 20));
    let many = format!("{{\"name\":[{}1]}}\n", "1,".repeat(300_000));
    let deep = format!("{{\"name\":{}\n", "[".repeat(100_000));
    let file = [good("a"), long, many, deep, good("b")].concat();
    let imported = shop.try_import("tag", None, ("tags.ndjson", file.as_bytes()), |_| {}).await.unwrap();
    assert_eq!(imported.counts(), (2, 0, 0, 3));
    for (line, cause) in [(2, "longer than 16 MiB"), (3, "more than 250000 values"), (4, "128 levels deep")] {
        assert!(imported.message(line).contains(cause), "{}", imported.message(line));
    }
    shop.close().await;
}

#[tokio::test]
async fn a_mapping_that_multiplies_its_work_is_stopped() {
    let shop = Catalogue::new().await;
    let longer = format!(" | replace('a', '{}')", "a".repeat(50)).repeat(5);
    let map = format!("fields:\n  name: name{longer}\n  slug: slug\n");
    let map = map.as_str();
    let imported =
        shop.try_import("tag", Some(map), ("x.ndjson", b"{\"name\":\"aaaa\",\"slug\":\"a\"}\n"), |_| {}).await.unwrap();
    assert!(imported.message(1).contains("`replace` makes more than 16 MiB"), "{}", imported.message(1));
    let map = "fields:\n  name: name\n  slug: slug\n  options: { each: rows, fields: { name: item, values: '[record.rows, record.rows, record.rows] | flatten' } }\n";
    let rows = vec!["1"; 2_000].join(",");
    let record = format!("{{\"name\":\"a\",\"slug\":\"a\",\"rows\":[{rows}]}}\n");
    let imported = shop.try_import("product", Some(map), ("x.ndjson", record.as_bytes()), |_| {}).await.unwrap();
    assert!(imported.message(1).contains("the mapping does too much work for one record"), "{}", imported.message(1));
    shop.close().await;
}
