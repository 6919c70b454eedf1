//! `Known`: which entries a subscription has shown, so that an entry that it never could see is not reported as gone. Its size is bounded.
//!
//! An actor that may read every entry of the type may also hear of each that is gone. Where rights depend on the entry, only those are
//! reported that the subscription has shown, or that were visible when it began.

use indexmap::IndexSet;
use uuid::Uuid;

/// Entries of each kind; the oldest are forgotten.
pub const MOST: usize = 1000;

pub struct Known {
    /// The actor may read every entry of the type.
    is_open: bool,
    /// Whether entries that are shown have to be remembered.
    tracks: bool,
    /// `shown` has every entry that the client may have.
    is_whole: bool,
    shown: IndexSet<Uuid>,
    /// Reported as gone: they are not reported again until they are back.
    gone: IndexSet<Uuid>,
}

impl Known {
    pub fn new(is_open: bool, tracks: bool) -> Self {
        Self { is_open, tracks, is_whole: false, shown: IndexSet::new(), gone: IndexSet::new() }
    }

    /// Whether it begins with the entries that are visible now.
    pub fn needs_ids(&self) -> bool {
        self.tracks
    }

    /// The visible entries, newest first. One that resumes may have shown others.
    pub fn begin(&mut self, ids: Vec<Uuid>, resumes: bool) {
        self.is_whole = ids.len() <= MOST && !resumes;
        self.shown = ids.into_iter().take(MOST).collect();
        // The oldest are forgotten first.
        self.shown.reverse();
    }

    pub fn has_shown(&self, id: Uuid) -> bool {
        self.shown.contains(&id)
    }

    pub fn shown(&mut self, id: Uuid) {
        self.gone.shift_remove(&id);
        if self.tracks && add(&mut self.shown, id) {
            self.is_whole = false;
        }
    }

    /// Whether to report that it is gone.
    pub fn left(&mut self, id: Uuid) -> bool {
        let had = self.shown.shift_remove(&id);
        let may_have_had = self.is_open && !self.is_whole && !self.gone.contains(&id);
        if had || may_have_had {
            add(&mut self.gone, id);
        }
        had || may_have_had
    }
}

/// Adds it as the newest. Returns whether another one was forgotten.
fn add(set: &mut IndexSet<Uuid>, id: Uuid) -> bool {
    set.shift_remove(&id);
    set.insert(id);
    let is_full = set.len() > MOST;
    if is_full {
        set.shift_remove_index(0);
    }
    is_full
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> Uuid {
        Uuid::from_u128(number as u128)
    }

    #[test]
    fn what_was_never_visible_is_not_gone() {
        let mut known = Known::new(false, true);
        known.begin(vec![id(1)], false);
        assert!(known.left(id(1)) && !known.left(id(1)), "it is reported once");
        assert!(!known.left(id(2)));
        known.shown(id(2));
        assert!(known.left(id(2)));
    }

    #[test]
    fn where_everything_may_be_read_a_part_of_the_list_is_enough() {
        let mut known = Known::new(true, true);
        known.begin(vec![id(1)], false);
        assert!(!known.left(id(2)), "the list is whole");
        (10..10 + MOST).for_each(|number| known.shown(id(number)));
        assert!(!known.has_shown(id(1)) && known.left(id(1)), "it was forgotten, and may have been shown");
        assert!(!known.left(id(1)));
        let mut resumed = Known::new(true, true);
        resumed.begin(vec![], true);
        assert!(resumed.left(id(3)) && !resumed.left(id(3)));
    }

    #[test]
    fn it_forgets_the_oldest() {
        let mut known = Known::new(false, true);
        known.begin((0..2 * MOST).map(id).collect(), false);
        assert_eq!(known.shown.len(), MOST);
        known.shown(id(5000));
        assert!(known.has_shown(id(0)) && !known.has_shown(id(MOST - 1)), "the first ones are the newest");
        (0..3 * MOST).for_each(|number| _ = known.left(id(number)));
        assert!(known.gone.len() <= MOST);
    }
}
