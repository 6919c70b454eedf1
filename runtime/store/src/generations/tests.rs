//! Each order in which a capture, a commit and a check can happen.

use super::*;
use model::content::Retention;

static NOTE: ContentInfo = info("note");
static TAG: ContentInfo = info("tag");

const fn info(table: &'static str) -> ContentInfo {
    ContentInfo {
        name: table,
        table,
        former: &[],
        plural: table,
        drafts: true,
        counted: false,
        retention: Retention::DEFAULT,
        search: None,
        owner: None,
        path: &[],
        unique: &[],
        fields: &[],
        inverses: &[],
        computed: &[],
        constraints: &[],
    }
}

fn followed() -> Arc<Generations> {
    let generations = Arc::new(Generations::of(&[&NOTE, &TAG]));
    assert!(generations.capture().is_none(), "nothing is followed yet");
    generations.has_seen(Instant::now());
    generations
}

/// A response that was read from these tables, captured now.
fn read(generations: &Generations, tables: &[Table]) -> ReadFrom {
    let touched = Touched::default();
    touched.add(tables);
    generations.read_from(&generations.capture().unwrap(), &touched).unwrap()
}

const NOTES: Table = (Stage::Live, "note");
const TAGS: Table = (Stage::Live, "tag");

#[test]
fn a_response_holds_until_a_type_that_it_shows_changes() {
    let generations = followed();
    let (notes, tags, both) =
        (read(&generations, &[NOTES]), read(&generations, &[TAGS]), read(&generations, &[TAGS, NOTES, TAGS]));
    generations.lease(&["note"]).settle();
    assert!(!generations.holds(&notes) && generations.holds(&tags) && !generations.holds(&both));
    assert!(generations.holds(&read(&generations, &[NOTES])));
}

#[test]
fn while_a_commit_is_under_way_nothing_of_the_type_is_served_or_stored() {
    let generations = followed();
    let before = read(&generations, &[NOTES]);
    let first = generations.lease(&["note"]);
    let second = generations.lease(&["note", "tag"]);
    let during = read(&generations, &[NOTES]);
    assert!(!generations.holds(&before) && !generations.holds(&during));
    first.settle();
    assert!(!generations.holds(&read(&generations, &[NOTES])), "the other is still under way");
    second.settle();
    assert!(!generations.holds(&before) && !generations.holds(&during));
    assert!(generations.holds(&read(&generations, &[NOTES, TAGS])));
}

#[test]
fn after_a_commit_of_unknown_outcome_the_type_is_not_cached_for_a_while() {
    let generations = followed();
    drop(generations.lease(&["note"]));
    assert!(!generations.holds(&read(&generations, &[NOTES])) && generations.holds(&read(&generations, &[TAGS])));
    generations.types[generations.places["note"]].doubtful.store(micros(Instant::now()), Ordering::SeqCst);
    assert!(generations.holds(&read(&generations, &[NOTES])));
}

#[test]
fn nothing_holds_without_news_of_other_nodes() {
    let generations = followed();
    let notes = read(&generations, &[NOTES]);
    std::thread::sleep(BOUND + Duration::from_millis(10));
    assert!(!generations.holds(&notes) && generations.capture().is_none());
    generations.has_seen(Instant::now());
    assert!(generations.holds(&notes), "the follower was only late");
    generations.lose();
    assert!(!generations.holds(&notes) && generations.capture().is_none());
    generations.has_seen(Instant::now());
    assert!(!generations.holds(&notes), "changes may have been missed");
}

#[test]
fn drafts_and_what_the_site_reads_itself_are_not_known() {
    let generations = followed();
    let capture = generations.capture().unwrap();
    for table in [(Stage::Draft, "note"), (Stage::Live, "other")] {
        let touched = Touched::default();
        touched.add(&[NOTES, table]);
        assert!(generations.read_from(&capture, &touched).is_none(), "{table:?}");
    }
    let touched = Touched::default();
    touched.add_by_hand();
    assert!(generations.read_from(&capture, &touched).is_none());
}
