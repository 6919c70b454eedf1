//! What is stored, in which order, and how much of it.

use std::sync::Arc;
use std::time::Instant;

use serde_json::Map;

use super::*;
use base::seen::About;
use store::Touched;
use store::generations::Generations;

const MIB: usize = 1024 * 1024;

fn responses() -> Responses {
    let generations = Arc::new(Generations::of(&[]));
    generations.has_seen(Instant::now());
    Responses::new(generations, MIB)
}

fn key(text: &str) -> Key {
    Key::of("", text, None, &Map::new())
}

fn new(responses: &Responses, body: &[u8]) -> New {
    let capture = responses.generations().capture().unwrap();
    let read = responses.generations().read_from(&capture, &Touched::default()).unwrap();
    let about = About { name: "a".into(), kind: "query", document: String::new(), own: None };
    New { body: body.into(), cost: 1, about: Arc::new(about), read, begun: Instant::now() }
}

fn flight(responses: &Responses, key: Key) -> Flight {
    match responses.turn(key) {
        Turn::Mine(flight) => flight,
        Turn::Other(_) => panic!("another flight is under way"),
    }
}

fn found(responses: &Responses, key: &Key) -> Option<Vec<u8>> {
    match responses.find(key) {
        Found::Kept(kept) => Some(kept.body().to_vec()),
        Found::Nothing | Found::Never(_) => None,
    }
}

#[test]
fn one_reads_and_what_others_have_read_beside_it_is_never_overwritten() {
    let (responses, key) = (responses(), key("a"));
    let first = flight(&responses, key);
    let Turn::Other(mut end) = responses.turn(key) else { panic!("two flights") };
    assert!(end.has_changed().is_ok(), "it is under way");
    responses.keep(&first, new(&responses, b"1")).unwrap();
    assert_eq!(end.has_changed().ok(), Some(false));
    first.end();
    assert!(end.has_changed().is_err() && end.borrow_and_update().has_changed(), "the others go on");
    assert_eq!(found(&responses, &key), Some(b"1".to_vec()));
    // One whose client goes away leaves its turn to another.
    let given_up = flight(&responses, super::Key::of("", "b", None, &Map::new()));
    let Turn::Other(end) = responses.turn(given_up.key) else { panic!("two flights") };
    drop(given_up);
    assert!(end.has_changed().is_err() && !end.borrow().has_changed());
    drop(flight(&responses, super::Key::of("", "b", None, &Map::new())));
    // Who reads without a flight may have seen more than what is kept, or than a flight that ends later.
    let second = flight(&responses, key);
    responses.pass_by(&key);
    assert_eq!(found(&responses, &key), None);
    responses.keep(&second, new(&responses, b"2")).unwrap();
    assert_eq!(found(&responses, &key), None);
    drop(second);
    let third = flight(&responses, key);
    responses.keep(&third, new(&responses, b"3")).unwrap();
    assert_eq!(found(&responses, &key), Some(b"3".to_vec()));
}

#[test]
fn what_cannot_be_kept_is_remembered_and_kept_responses_do_not_outlive_what_they_show() {
    let (responses, key) = (responses(), key("a"));
    let large = vec![0; MIB / 16];
    let first = flight(&responses, key);
    assert_eq!(responses.keep(&first, new(&responses, &large)).err(), Some(Why::Large));
    assert!(matches!(responses.find(&key), Found::Never(Why::Large)));
    responses.pass_by(&key);
    assert!(matches!(responses.find(&key), Found::Never(Why::Large)), "it is still too large");
    let other = super::Key::of("", "b", None, &Map::new());
    let second = flight(&responses, other);
    let late = new(&responses, b"1");
    responses.keep(&second, new(&responses, b"1")).unwrap();
    responses.generations().lose();
    assert_eq!(found(&responses, &other), None, "the changes of others are not known");
    assert_eq!(responses.keep(&second, late).err(), Some(Why::Changed));
}

#[test]
fn no_more_memory_is_held_than_there_is_also_by_those_who_still_read() {
    let responses = responses();
    let body = vec![0; MIB / 32];
    let mut reading = Vec::new();
    for number in 0..100 {
        let flight = flight(&responses, key(&number.to_string()));
        if let Ok(kept) = responses.keep(&flight, new(&responses, &body)) {
            reading.push(kept);
        }
        assert!(responses.usage().bytes <= MIB);
    }
    assert!((20..32).contains(&reading.len()), "{}", reading.len());
    drop(reading);
    let after = responses.usage();
    assert!(after.entries > 10 && after.bytes > after.entries * body.len(), "{after:?}");
    let flight = flight(&responses, key("new"));
    responses.keep(&flight, new(&responses, &body)).unwrap();
}
