//! Generates slugs from another field: transliterated, and numbered if taken.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::Connection;
use crate::paths::Pattern;
use crate::value::Value;
use crate::write::failure::Result;
use crate::write::row::{Item, Row};
use crate::write::table;
use model::content::{ContentInfo, FieldInfo, Shape};
use model::kind::nfc;

/// The maximum length of a slug.
const LONGEST: usize = 96;

/// `Crème brûlée & Co.` is `creme-brulee-co`; empty when it has no letters or digits.
pub fn slugify(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for letter in deunicode::deunicode(&nfc(text)).chars() {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter.to_ascii_lowercase());
        } else if letter != '\'' && !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    shortened(&slug, LONGEST).to_owned()
}

/// `(table, column)`.
type Family = (&'static str, &'static str);

/// The slugs that rows of the batch want in a family, and the slugs known to be taken.
#[derive(Default)]
struct Wishes {
    bases: BTreeMap<String, usize>,
    taken: BTreeSet<String>,
    /// What comes before the slug in the paths of the entries, whose former paths are not taken either.
    prefix: Option<String>,
    /// The only row, if it is stored already: what it has or had is free for itself.
    own: Option<Uuid>,
    rows: usize,
}

/// Generates slugs for rows without one. A generated slug avoids all others, in both stages.
///
/// Numbered slugs are assigned under a lock, after a second look. Only the first writer of a text may lose its slug between the look
/// and the write; it then takes the lock in its next attempt.
pub async fn assign(items: &mut [Item], connection: &mut Connection, again: bool) -> Result<()> {
    let mut wishes: BTreeMap<Family, Wishes> = BTreeMap::new();
    visit(items, &mut |info, row| {
        for (index, field, source) in made(info) {
            let of = wishes.entry((info.table, field.snake)).or_default();
            of.prefix = Pattern::of(info).filter(|pattern| pattern.is_flat(field)).map(|pattern| pattern.flat(""));
            match (&row.values[index], base(info, row, source)) {
                (Value::Text(given), _) => _ = of.taken.insert(given.clone()),
                (Value::Null, Some(base)) if !row.invalid.contains(&index) => {
                    *of.bases.entry(base).or_default() += 1;
                    of.rows += 1;
                    of.own = Some(row.id).filter(|_| of.rows == 1);
                }
                _ => {}
            }
        }
    });
    let mut free: BTreeMap<Family, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    for (family, wishes) in &wishes {
        if !wishes.bases.is_empty() {
            let unlocked = if again { None } else { Some(find_free(*family, wishes, connection).await?) };
            let found = match unlocked.filter(|found| !has_numbers(found)) {
                Some(found) => found,
                None => {
                    lock(*family, connection).await?;
                    find_free(*family, wishes, connection).await?
                }
            };
            free.insert(*family, found);
        }
    }
    visit(items, &mut |info, row| {
        for (index, field, source) in made(info) {
            if !row.values[index].is_null() || row.invalid.contains(&index) {
                continue;
            }
            if row.invalid.contains(&source) {
                row.invalid.push(index);
                continue;
            }
            let Some(base) = base(info, row, source) else { continue };
            let slug = match field.unique {
                Some(_) => {
                    row.claimed.push(index);
                    free.get_mut(&(info.table, field.snake)).and_then(|free| free.get_mut(&base)?.pop())
                }
                None => Some(base),
            };
            row.values[index] = slug.map_or(Value::Null, Value::Text);
        }
    });
    Ok(())
}

/// Held until the transaction ends. Families are locked in order, which prevents deadlocks.
async fn lock((table, column): Family, connection: &mut Connection) -> Result<()> {
    Ok(connection.alone_at(&format!("slug {table}.{column}")).await?)
}

/// Finds as many free slugs for each base as rows want, the best one last.
async fn find_free(
    (table, column): Family,
    wishes: &Wishes,
    connection: &mut Connection,
) -> Result<BTreeMap<String, Vec<String>>> {
    let sql = format!(
        r#"select "{column}" from draft."{table}" where "{column}" = any($1) and id is distinct from $3
        union select "{column}" from live."{table}" where "{column}" = any($1) and id is distinct from $3
        union select substr(from_path, length($2) + 1) from cms.redirect
            where from_path = any(select $2 || s from unnest($1) s) and ($3 is null or entry is distinct from $3)"#
    );
    let mut taken = wishes.taken.clone();
    let mut free: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut numbers = 1..2;
    loop {
        let open: Vec<_> =
            wishes.bases.iter().filter(|(base, count)| free.get(*base).map_or(0, Vec::len) < **count).collect();
        if open.is_empty() {
            break;
        }
        let candidates: Vec<(&String, String)> =
            open.iter().flat_map(|(base, _)| numbers.clone().map(|number| (*base, numbered(base, number)))).collect();
        let texts: Vec<&str> = candidates.iter().map(|(_, slug)| slug.as_str()).collect();
        let stored: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql.clone()))
            .bind(texts)
            .bind(&wishes.prefix)
            .bind(wishes.own)
            .fetch_all(&mut *connection)
            .await?;
        taken.extend(stored);
        for (base, slug) in candidates {
            let found = free.entry(base.clone()).or_default();
            if found.len() < wishes.bases[base] && taken.insert(slug.clone()) {
                found.push(slug);
            }
        }
        numbers = numbers.end..numbers.end * 2 + 10;
    }
    free.values_mut().for_each(|found| found.reverse());
    Ok(free)
}

fn has_numbers(free: &BTreeMap<String, Vec<String>>) -> bool {
    free.iter().any(|(base, slugs)| slugs.iter().any(|slug| slug != base))
}

fn numbered(base: &str, number: usize) -> String {
    match number {
        1 => base.to_owned(),
        _ => {
            let suffix = format!("-{number}");
            format!("{}{suffix}", shortened(base, LONGEST - suffix.len()))
        }
    }
}

fn shortened(slug: &str, longest: usize) -> &str {
    slug[..slug.len().min(longest)].trim_end_matches('-')
}

/// The slug fields with a source: index, field, index of the source.
fn made(info: &'static ContentInfo) -> impl Iterator<Item = (usize, &'static FieldInfo, usize)> {
    info.fields.iter().enumerate().filter_map(|(index, field)| {
        let from = field.rules.from?;
        let source = info.fields.iter().position(|source| source.snake == from)?;
        matches!(field.shape, Shape::Scalar(_)).then_some((index, field, source))
    })
}

/// `None` if the source is empty; a source without letters or digits gives the type's name.
fn base(info: &ContentInfo, row: &Row, source: usize) -> Option<String> {
    let text = row.values[source].text(0).filter(|text| !text.trim().is_empty())?;
    let slug = slugify(&text);
    Some(if slug.is_empty() { info.table.replace('_', "-") } else { slug })
}

fn visit(items: &mut [Item], each: &mut impl FnMut(&'static ContentInfo, &mut Row)) {
    for item in items {
        each(item.info, &mut item.new);
        for (field, child) in table::children(item.info) {
            for row in item.new.children.get_mut(&field).into_iter().flatten() {
                each(child, row);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_transliterated() {
        for (text, slug) in [
            ("Crème brûlée & Co.", "creme-brulee-co"),
            ("  Größe 42 / weiß ", "grosse-42-weiss"),
            ("Women's T-Shirt", "womens-t-shirt"),
            ("Привет, мир", "privet-mir"),
            ("…", ""),
            ("Cafe\u{301} Zu\u{308}rich \u{1100}\u{1161}\u{11b7}", "cafe-zurich-gam"),
        ] {
            assert_eq!(slugify(text), slug, "{text}");
        }
    }

    #[test]
    fn slugs_have_at_most_96_characters_with_their_number() {
        let long = slugify(&"ab ".repeat(60));
        assert!(long.len() <= 96 && !long.ends_with('-'), "{long}");
        assert!(numbered(&long, 1234).len() <= 96);
        assert!(numbered(&long, 1234).ends_with("-1234"));
    }
}
