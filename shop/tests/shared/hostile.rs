//! Texts that would break out of statements, patterns and formats if a server concatenated them, and signs that one
//! did.

/// The response to each is the same as to a text that is nowhere in the content: none is contained in it.
pub fn texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "kolibri'; drop table draft.product cascade; drop table live.product cascade; --",
        "' or 1=1 --",
        "\\' or ''=' /* \" ’ ʼ ＇ ` \u{202e} \u{feff} */ \\",
        "$1 :name ?1 {0} %s %n ${x} {{x}} $$;call pg_sleep(9);$$",
        "'||(table cms.user)||'::regclass",
        "%_%_%",
        "kolibri\u{0}kolibri",
        "(((((a+)+)+)+)+$ [?(@.a==1)] $.** ? (@ like_regex \"(\") {\"a\",NULL} & | ! <-> *",
        "%00%27%22%5c -1e999999 NaN infinity epoch 99999999999999999999999999",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.push("'\"\\%".repeat(1_500));
    texts
}

/// Texts that no response may contain: parts of statements, and messages of PostgreSQL and its driver.
pub const SIGNS: &[&str] = &[
    "INTERNAL",
    "select ",
    "syntax error",
    "sqlstate",
    "sqlx",
    "postgres",
    "pg_catalog",
    "relation \\\"",
    "column \\\"",
    "does not exist in",
    "operator does not exist",
    "invalid input syntax",
    "invalid byte sequence",
    "panicked",
];

/// The signs in a response.
pub fn signs(body: &str) -> Vec<&'static str> {
    let lower = body.to_lowercase();
    let found = |sign: &&&str| if **sign == "INTERNAL" { body.contains(**sign) } else { lower.contains(**sign) };
    SIGNS.iter().filter(found).copied().collect()
}
