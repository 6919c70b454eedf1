//! The fast floor: PostgreSQL's binary columns are written to JSON as they come, by the functions that the server uses too. No structs, no
//! serde, no GraphQL.

use std::io::Write as _;

use axum::extract::{Path, State};
use bytes::Bytes;
use runtime::store::read::load::{int, raw, uuid};
use runtime::{id, json as text};
use sqlx::PgPool;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::{Answer, BRAND, BRANDS, CATEGORIES, Failure, NEWEST, OF_BRAND, OF_SLUG, Request, TAGS, json, lend};
use crate::cases::{Case, Kind, questions};

/// Bytes that a response usually has room in.
const ROOM: usize = 8 * 1024;

pub async fn answer(State(pool): State<PgPool>, Path(case): Path<String>, body: Bytes) -> Answer {
    let request: Request = serde_json::from_slice(&body)?;
    let case = Case::named(&case).ok_or_else(|| Failure(format!("no case {case}")))?;
    let mut out = Vec::with_capacity(ROOM);
    match case.kind {
        Kind::One => one(&request.bound(questions::ONE).fetch_all(&pool).await?, &mut out),
        Kind::Newest => newest(&pool, &mut out).await?,
        Kind::Deep => deep(&pool, request, &mut out).await?,
        Kind::List(sql) => {
            out.extend_from_slice(b"{\"data\":{\"products\":{\"nodes\":");
            list(&request.bound(sql).fetch_all(&pool).await?, &mut out, listed);
            out.extend_from_slice(b"}}");
        }
        Kind::Search(sql) => {
            out.extend_from_slice(b"{\"data\":{\"search\":{\"nodes\":");
            list(&request.bound(sql).fetch_all(&pool).await?, &mut out, listed);
            out.extend_from_slice(b"}}");
        }
        Kind::Count(sql) => {
            let row = request.bound(sql).fetch_one(&pool).await?;
            write!(out, "{{\"data\":{{\"products\":{{\"totalCount\":{}}}}}", int(&row, 0).unwrap_or_default())?;
        }
    }
    let statements = if matches!(case.kind, Kind::Newest | Kind::Deep) { 4 } else { 1 };
    write!(out, ",\"extensions\":{{\"cost\":{{\"requested\":100,\"limit\":50000,\"statements\":{statements}}}}}}}")?;
    json(out)
}

fn list<T>(items: impl IntoIterator<Item = T>, out: &mut Vec<u8>, mut each: impl FnMut(T, &mut Vec<u8>)) {
    out.push(b'[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        each(item, out);
    }
    out.push(b']');
}

fn listed(row: &PgRow, out: &mut Vec<u8>) {
    open(row, out);
    out.push(b'}');
}

/// A product without the brace at its end.
fn open(row: &PgRow, out: &mut Vec<u8>) {
    key(row, out);
    member(b",\"name\":", row, 1, out);
    member(b",\"slug\":", row, 2, out);
    out.extend_from_slice(b",\"price\":");
    money(row, 3, out);
}

fn one(rows: &[PgRow], out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"data\":{\"productBySlug\":");
    let Some(row) = rows.first() else { return out.extend_from_slice(b"null}") };
    key(row, out);
    member(b",\"name\":", row, 1, out);
    member(b",\"slug\":", row, 2, out);
    member(b",\"summary\":", row, 3, out);
    out.extend_from_slice(b",\"stockStatus\":\"");
    out.extend(raw(row, 4).unwrap_or_default().iter().map(u8::to_ascii_uppercase));
    out.extend_from_slice(b"\",\"price\":");
    money(row, 5, out);
    out.extend_from_slice(b"}}");
}

async fn newest(pool: &PgPool, out: &mut Vec<u8>) -> Result<(), Failure> {
    let mut connection = lend(pool).await?;
    let rows = sqlx::query(NEWEST).fetch_all(&mut *connection).await?;
    let ids: Vec<Uuid> = rows.iter().filter_map(|row| uuid(row, 0)).collect();
    let mut brands: Vec<Uuid> = rows.iter().filter_map(|row| uuid(row, 5)).collect();
    brands.sort_unstable();
    brands.dedup();
    let brands = sqlx::query(BRANDS).bind(brands).fetch_all(&mut *connection).await?;
    let categories = sqlx::query(CATEGORIES).bind(&ids).fetch_all(&mut *connection).await?;
    let tags = sqlx::query(TAGS).bind(&ids).fetch_all(&mut *connection).await?;
    drop(connection);
    out.extend_from_slice(b"{\"data\":{\"products\":{\"nodes\":");
    list(&rows, out, |row, out| {
        open(row, out);
        out.extend_from_slice(b",\"brand\":");
        match brands.iter().find(|brand| raw(brand, 0) == raw(row, 5)) {
            Some(brand) => named(brand, out),
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b",\"categories\":");
        list(of(&categories, row).take(1), out, named);
        out.extend_from_slice(b",\"tags\":");
        list(of(&tags, row), out, named);
        out.push(b'}');
    });
    out.extend_from_slice(b"}}");
    Ok(())
}

async fn deep(pool: &PgPool, request: Request, out: &mut Vec<u8>) -> Result<(), Failure> {
    let mut connection = lend(pool).await?;
    out.extend_from_slice(b"{\"data\":{\"productBySlug\":");
    let Some(product) = sqlx::query(OF_SLUG).bind(request.text()?).fetch_optional(&mut *connection).await? else {
        out.extend_from_slice(b"null}");
        return Ok(());
    };
    let brand = sqlx::query(BRAND).bind(uuid(&product, 2)).fetch_optional(&mut *connection).await?;
    let products = sqlx::query(OF_BRAND).bind(uuid(&product, 2)).fetch_all(&mut *connection).await?;
    let ids: Vec<Uuid> = products.iter().filter_map(|row| uuid(row, 0)).collect();
    let categories = sqlx::query(CATEGORIES).bind(&ids).fetch_all(&mut *connection).await?;
    drop(connection);
    key(&product, out);
    member(b",\"name\":", &product, 1, out);
    out.extend_from_slice(b",\"brand\":");
    match &brand {
        None => out.extend_from_slice(b"null"),
        Some(brand) => {
            member(b"{\"name\":", brand, 1, out);
            out.extend_from_slice(b",\"products\":");
            list(&products, out, |row, out| {
                member(b"{\"name\":", row, 1, out);
                member(b",\"slug\":", row, 2, out);
                out.extend_from_slice(b",\"categories\":");
                list(of(&categories, row), out, named);
                out.push(b'}');
            });
            out.push(b'}');
        }
    }
    out.extend_from_slice(b"}}");
    Ok(())
}

/// The rows of an owner: few enough to look at each.
fn of<'a>(rows: &'a [PgRow], owner: &'a PgRow) -> impl Iterator<Item = &'a PgRow> {
    rows.iter().filter(|row| raw(row, 0) == raw(owner, 0))
}

fn key(row: &PgRow, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"id\":\"");
    id::write("product", uuid(row, 0).unwrap_or_default(), out);
    out.push(b'"');
}

fn named(row: &PgRow, out: &mut Vec<u8>) {
    member(b"{\"name\":", row, 1, out);
    member(b",\"slug\":", row, 2, out);
    out.push(b'}');
}

fn member(name: &[u8], row: &PgRow, column: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(name);
    match raw(row, column) {
        Some(value) => text::write_string(value, out),
        None => out.extend_from_slice(b"null"),
    }
}

fn money(row: &PgRow, column: usize, out: &mut Vec<u8>) {
    let Some(minor) = int(row, column) else { return out.extend_from_slice(b"null") };
    // Writing to a `Vec` cannot fail.
    let _ = write!(out, "{{\"amountMinor\":\"{minor}\",\"currency\":");
    text::write_string(raw(row, column + 1).unwrap_or_default(), out);
    out.push(b'}');
}
