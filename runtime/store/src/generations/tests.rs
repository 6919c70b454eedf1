//! Each order in which a capture, a commit and a check can happen.

use super::*;
use crate::touched::Table;
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
    touched.add(tables.iter().copied());
    generations.read_from(&generations.capture().unwrap(), &touched).unwrap()
}

fn all(types: &[&ContentInfo]) -> Changed {
    let mut changed = Changed::default();
    types.iter().for_each(|info| changed.add_all(info));
    changed
}

const NOTES: Table = (Stage::Live, "note");
const TAGS: Table = (Stage::Live, "tag");

#[test]
fn a_response_holds_until_a_type_that_it_shows_changes() {
    let generations = followed();
    let (notes, tags, both) =
        (read(&generations, &[NOTES]), read(&generations, &[TAGS]), read(&generations, &[TAGS, NOTES, TAGS]));
    generations.lease(all(&[&NOTE])).settle();
    assert!(!generations.holds(&notes) && generations.holds(&tags) && !generations.holds(&both));
    assert!(generations.holds(&read(&generations, &[NOTES])));
}

#[test]
fn while_a_commit_is_under_way_nothing_of_the_type_is_served_or_stored() {
    let generations = followed();
    let before = read(&generations, &[NOTES]);
    let first = generations.lease(all(&[&NOTE]));
    let second = generations.lease(all(&[&NOTE, &TAG]));
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
    drop(generations.lease(all(&[&NOTE])));
    assert!(!generations.holds(&read(&generations, &[NOTES])) && generations.holds(&read(&generations, &[TAGS])));
    generations.marks.iter().for_each(|mark| mark.doubtful.store(micros(Instant::now()), Ordering::SeqCst));
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
        touched.add([NOTES, table]);
        assert!(generations.read_from(&capture, &touched).is_none(), "{table:?}");
    }
    let touched = Touched::default();
    touched.add_by_hand();
    assert!(generations.read_from(&capture, &touched).is_none());
}

fn one(info: &ContentInfo, entry: Uuid) -> Changed {
    let mut changed = Changed::default();
    changed.add(info, &[entry]);
    changed
}

/// A response that was read from these entries of a table, captured now.
fn read_entries(generations: &Generations, table: Table, entries: &[Uuid]) -> ReadFrom {
    let touched = Touched::default();
    touched.add_entries(table, entries);
    generations.read_from(&generations.capture().unwrap(), &touched).unwrap()
}

#[test]
fn a_response_that_shows_entries_holds_while_others_change() {
    let generations = followed();
    let [first, second, third] = [1, 2, 3].map(Uuid::from_u128);
    let before = || {
        [
            read_entries(&generations, NOTES, &[first]),
            read_entries(&generations, NOTES, &[first, second]),
            read_entries(&generations, TAGS, &[second]),
            read(&generations, &[NOTES]),
        ]
    };
    let hold = |reads: &[ReadFrom; 4]| reads.each_ref().map(|read| generations.holds(read));
    let reads = before();
    assert_eq!(hold(&reads), [true; 4]);
    let lease = generations.lease(one(&NOTE, second));
    assert_eq!(hold(&reads), [true, false, true, false]);
    lease.settle();
    assert_eq!(hold(&reads), [true, false, true, false]);
    let reads = before();
    generations.lease(one(&NOTE, third)).settle();
    assert_eq!(hold(&reads), [true, true, true, false]);
    // Nobody knows which entries were changed.
    let reads = before();
    generations.lease(all(&[&NOTE])).settle();
    assert_eq!(hold(&reads), [false, false, true, false]);
    let reads = before();
    generations.lose();
    generations.has_seen(Instant::now());
    assert_eq!(hold(&reads), [false; 4]);
    let reads = before();
    generations.has_changed(&NOTE, Some(first));
    assert_eq!(hold(&reads), [false, false, true, false]);
    // An outcome that nobody knows.
    let reads = before();
    drop(generations.lease(one(&NOTE, first)));
    assert_eq!(hold(&reads), [false, false, true, false]);
    assert_eq!(hold(&before()), [false, false, true, false], "it is not cached for a while");
}

#[test]
fn of_many_entries_the_whole_type_counts() {
    let generations = followed();
    let many: Vec<Uuid> = (0..1000).map(Uuid::from_u128).collect();
    let (few, all) = (read_entries(&generations, NOTES, &many[..100]), read_entries(&generations, NOTES, &many));
    assert_eq!((few.parts.len(), all.parts.len()), (100, 1));
    generations.lease(one(&NOTE, Uuid::from_u128(u128::MAX))).settle();
    assert!(!generations.holds(&all));
    let mut changed = Changed::default();
    changed.add(&NOTE, &many);
    generations.lease(changed).settle();
    assert!(!generations.holds(&few));
}

#[test]
fn what_is_scheduled_ends_what_caches_may_keep() {
    let generations = followed();
    let (notes, tags) = (read(&generations, &[NOTES]), read(&generations, &[TAGS]));
    assert_eq!(generations.steady_for(&notes), Duration::ZERO, "nobody knows");
    let now = Instant::now();
    let soon = now + Duration::from_secs(60);
    generations.expect(&[(&NOTE, soon), (&NOTE, soon + Duration::from_secs(5))], None, now);
    let [note, tag] = [&notes, &tags].map(|read| generations.steady_for(read).as_secs());
    assert!((58..=60).contains(&note) && tag > 1_000_000, "{note} {tag}");
    generations.expect(&[(&NOTE, soon)], Some(now + Duration::from_secs(10)), now);
    assert!([&notes, &tags].iter().all(|read| (8..=10).contains(&generations.steady_for(read).as_secs())));
    generations.expect(&[(&NOTE, now)], None, now);
    assert_eq!(generations.steady_for(&notes), Duration::ZERO, "it is due");
}

#[test]
fn tags_name_types_and_entries_and_are_never_too_many() {
    let generations = followed();
    let entry = Uuid::from_u128(7);
    let touched = Touched::default();
    touched.add([TAGS]);
    touched.add_entries(NOTES, &[entry]);
    let mixed = generations.read_from(&generations.capture().unwrap(), &touched).unwrap();
    assert_eq!(
        generations.tags(&mixed),
        ["note-entries".to_owned(), crate::id::encode("note", entry), "tag".to_owned()]
    );
    let many: Vec<Uuid> = (0..100).map(Uuid::from_u128).collect();
    touched.add_entries((Stage::Live, "tag"), &many);
    touched.add_entries(NOTES, &many[..99]);
    let many = generations.read_from(&generations.capture().unwrap(), &touched).unwrap();
    assert!(generations.tags(&many).iter().map(|tag| tag.len() + 1).sum::<usize>() <= 4096);
    let touched = Touched::default();
    touched.add_entries(NOTES, &(0..100).map(Uuid::from_u128).collect::<Vec<_>>());
    touched.add_entries(TAGS, &(0..100).map(Uuid::from_u128).collect::<Vec<_>>());
    let many = generations.read_from(&generations.capture().unwrap(), &touched).unwrap();
    assert_eq!((many.parts.len(), generations.tags(&many)), (200, vec!["note".to_owned(), "tag".to_owned()]));
}
