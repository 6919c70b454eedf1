//! Chooses the delimiters between the pieces of a line: the cheapest that CommonMark parses as the intended markup.

use std::collections::HashMap;
use std::rc::Rc;

pub const STRONG: u8 = 1;
pub const EMPHASIS: u8 = 2;
pub const STRIKE: u8 = 4;

/// How many alternatives for the line so far are kept.
const MOST: usize = 32;
/// The stack with nothing open.
const BARE: usize = 0;

/// The class of a character next to a delimiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Includes the end of a line.
    Space,
    Punctuation,
    Word,
    /// Symbols: punctuation since CommonMark 0.31, not before.
    Either,
}

/// Text with the same wanted marks.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    pub first: Class,
    pub last: Class,
    pub wanted: u8,
    /// The cost of losing a mark.
    pub weight: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Open {
    delimiter: char,
    count: usize,
    /// The length of the delimiter run.
    run: usize,
    /// Whether the run could also have closed; `None` if parsers differ.
    both: Option<bool>,
}

struct Step {
    text: Rc<str>,
    to: usize,
    marks: u8,
    cost: u64,
}

struct Reached {
    stack: usize,
    cost: u64,
    from: usize,
    text: Rc<str>,
}

/// Caches its results, because most positions are alike.
pub struct Joints {
    stacks: Vec<Vec<Open>>,
    ids: HashMap<Vec<Open>, usize>,
    steps: HashMap<(usize, Class, Class, u8), Rc<[Step]>>,
}

impl Class {
    pub fn of(letter: char) -> Self {
        match letter {
            _ if letter.is_whitespace() => Self::Space,
            '¡' | '«' | '»' | '¿' | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{2043}' => Self::Punctuation,
            _ if letter.is_ascii_punctuation() => Self::Punctuation,
            // Enclosed letters are symbols.
            '\u{2000}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}' => Self::Either,
            // An accent that combines with the preceding letter.
            '\u{300}'..='\u{36f}' => Self::Word,
            _ if letter.is_alphanumeric() => Self::Word,
            _ => Self::Either,
        }
    }

    fn readings(self) -> &'static [Self] {
        match self {
            Self::Space => &[Self::Space],
            Self::Punctuation => &[Self::Punctuation],
            Self::Word => &[Self::Word],
            Self::Either => &[Self::Punctuation, Self::Word],
        }
    }
}

impl Joints {
    pub fn new() -> Self {
        Self { stacks: vec![Vec::new()], ids: HashMap::from([(Vec::new(), BARE)]), steps: HashMap::new() }
    }

    /// The delimiters before each piece, and after the last. `edge` is the class on both sides.
    pub fn between(&mut self, pieces: &[Piece], edge: Class) -> Vec<Rc<str>> {
        let nothing: Rc<str> = "".into();
        if pieces.iter().all(|piece| piece.wanted == 0) {
            return vec![nothing; pieces.len() + 1];
        }
        let mut ways = vec![vec![Reached { stack: BARE, cost: 0, from: 0, text: nothing }]];
        let mut before = edge;
        let end = Piece { first: edge, last: edge, wanted: 0, weight: 0 };
        for piece in pieces.iter().chain([&end]) {
            let next = self.next(ways.last().map(Vec::as_slice).unwrap_or_default(), before, piece);
            ways.push(next);
            before = piece.last;
        }
        // At the end nothing is wanted, so nothing is open, and one alternative is left.
        let mut at = 0;
        let mut texts: Vec<Rc<str>> = Vec::with_capacity(ways.len());
        for reached in ways.iter().skip(1).rev() {
            let Some(way) = reached.get(at) else { break };
            texts.push(way.text.clone());
            at = way.from;
        }
        texts.reverse();
        texts
    }

    fn next(&mut self, reached: &[Reached], before: Class, piece: &Piece) -> Vec<Reached> {
        let mut next: Vec<Reached> = Vec::new();
        for (from, way) in reached.iter().enumerate() {
            for step in self.steps(way.stack, before, piece.first, piece.wanted).iter() {
                let cost = way.cost + step.cost + piece.weight * worth(piece.wanted & !step.marks);
                let found = Reached { stack: step.to, cost, from, text: step.text.clone() };
                match next.iter_mut().find(|known| known.stack == step.to) {
                    Some(known) if known.cost <= cost => {}
                    Some(known) => *known = found,
                    None => next.push(found),
                }
            }
        }
        next.sort_by_key(|way| way.cost);
        if let Some(bare) = next.iter().position(|way| way.stack == BARE).filter(|bare| *bare >= MOST) {
            // The alternative with nothing open can always continue, so it is kept.
            next.swap(bare, MOST - 1);
        }
        next.truncate(MOST);
        next
    }

    fn steps(&mut self, stack: usize, before: Class, after: Class, wanted: u8) -> Rc<[Step]> {
        let key = (stack, before, after, wanted);
        if let Some(known) = self.steps.get(&key) {
            return known.clone();
        }
        let open = self.stacks[stack].clone();
        let mut steps: Vec<Step> = Vec::new();
        for text in texts(&open, wanted) {
            let Some((to, cost)) = read(&open, &text, before, after) else { continue };
            let Some(marks) = marks(&to).filter(|marks| marks & !wanted == 0) else { continue };
            let to = self.id(to);
            steps.push(Step { text: text.into(), to, marks, cost });
        }
        let steps: Rc<[Step]> = steps.into();
        self.steps.insert(key, steps.clone());
        steps
    }

    fn id(&mut self, stack: Vec<Open>) -> usize {
        if let Some(known) = self.ids.get(&stack) {
            return *known;
        }
        self.stacks.push(stack.clone());
        self.ids.insert(stack, self.stacks.len() - 1);
        self.stacks.len() - 1
    }
}

/// Losing bold costs more than losing italics.
fn worth(marks: u8) -> u64 {
    [(STRONG, 10), (EMPHASIS, 9), (STRIKE, 8)]
        .iter()
        .filter(|(mark, _)| marks & mark != 0)
        .map(|(_, worth)| worth)
        .sum()
}

/// All ways to close some of what is open and to open some of what is wanted, whether or not parsers accept them.
fn texts(open: &[Open], wanted: u8) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = open.to_vec();
    let mut closed = String::new();
    loop {
        let top = rest.last().copied();
        // Of three delimiters together, one or two can stay.
        let parts = if top.is_some_and(|top| top.count == 3) { 0..3 } else { 0..1 };
        for part in parts {
            let mut kept = rest.clone();
            let mut text = closed.clone();
            if let Some(top) = kept.last_mut().filter(|_| part > 0) {
                top.count -= part;
                text.extend(std::iter::repeat_n(top.delimiter, part));
            }
            let Some(marks) = marks(&kept).filter(|marks| marks & !wanted == 0) else { continue };
            openings(wanted & !marks, &text, &mut found);
        }
        match rest.pop() {
            Some(top) => closed.extend(std::iter::repeat_n(top.delimiter, top.count)),
            None => return found,
        }
    }
}

fn openings(wanted: u8, before: &str, found: &mut Vec<String>) {
    found.push(before.to_owned());
    for (mark, text) in [(STRONG, "**"), (EMPHASIS, "_"), (EMPHASIS, "*"), (STRIKE, "~~"), (STRONG, "__")] {
        if wanted & mark != 0 {
            openings(wanted & !mark, &format!("{before}{text}"), found);
        }
    }
}

/// The marks of a text inside all that is open; `None` if a mark occurs twice.
fn marks(open: &[Open]) -> Option<u8> {
    let mut each = open.iter().map(|open| match (open.delimiter, open.count) {
        ('~', _) => STRIKE,
        (_, 1) => EMPHASIS,
        (_, 2) => STRONG,
        _ => STRONG | EMPHASIS,
    });
    each.try_fold(0, |all, marks| (all & marks == 0).then_some(all | marks))
}

/// What is open after a parser reads these delimiters, and a penalty for their looks. `None` if some would not be
/// delimiters, would match others than the last open ones, or if parsers differ.
fn read(open: &[Open], text: &str, before: Class, after: Class) -> Option<(Vec<Open>, u64)> {
    let mut open = open.to_vec();
    let mut cost = 0;
    let mut at = 0;
    while let Some(delimiter) = text[at..].chars().next() {
        let run = text[at..].chars().take_while(|next| *next == delimiter).count();
        let before = if at == 0 { before } else { Class::Punctuation };
        at += run;
        let after = if at == text.len() { after } else { Class::Punctuation };
        let (opens, closes, both) = flanking(delimiter, before, after);
        let mut count = run;
        while count > 0 && closes != Some(false) {
            let Some(top) = closed_by(&open, delimiter, run, both)? else { break };
            // Closing one of two would leave another mark than the preceding text had.
            if closes.is_none() || top + 1 != open.len() || (open[top].count == 2 && count == 1) {
                return None;
            }
            let matched = count.min(open[top].count);
            count -= matched;
            open[top].count -= matched;
            if open[top].count == 0 {
                open.pop();
            }
        }
        cost += 2;
        if count > 0 {
            let fits = if delimiter == '~' { count == 2 && run == 2 } else { count <= 3 };
            if opens != Some(true) || !fits {
                return None;
            }
            cost += match (delimiter, count) {
                ('*', 1 | 3) => 3,
                ('_', 2 | 3) => 6,
                _ => 0,
            };
            open.push(Open { delimiter, count, run, both });
        }
    }
    Some((open, cost))
}

/// Which one is closed by a run that can close. The outer `None`: parsers differ.
fn closed_by(open: &[Open], delimiter: char, run: usize, both: Option<bool>) -> Option<Option<usize>> {
    for (index, opened) in open.iter().enumerate().rev() {
        if opened.delimiter != delimiter {
            continue;
        }
        // The rule of three: a run that could both open and close matches only one with which its length is not a
        // multiple of three.
        if !(run + opened.run).is_multiple_of(3) || run.is_multiple_of(3) {
            return Some(Some(index));
        }
        match (both, opened.both) {
            (Some(true), _) | (_, Some(true)) => {}
            (Some(false), Some(false)) => return Some(Some(index)),
            _ => return None,
        }
    }
    Some(None)
}

/// Whether a run can open, close, and do both; `None` if parsers differ.
fn flanking(delimiter: char, before: Class, after: Class) -> (Option<bool>, Option<bool>, Option<bool>) {
    let mut found: Option<[Option<bool>; 3]> = None;
    for &before in before.readings() {
        for &after in after.readings() {
            let beside = |one: Class, other: Class| match one {
                Class::Space => false,
                Class::Punctuation => other != Class::Word,
                _ => true,
            };
            let (left, right) = (beside(after, before), beside(before, after));
            let (opens, closes) = match delimiter {
                '_' => {
                    (left && (!right || before == Class::Punctuation), right && (!left || after == Class::Punctuation))
                }
                _ => (left, right),
            };
            let new = [opens, closes, opens && closes].map(Some);
            found = Some(match found {
                Some(known) => [0, 1, 2].map(|index| known[index].filter(|_| known[index] == new[index])),
                None => new,
            });
        }
    }
    let [opens, closes, both] = found.unwrap_or_default();
    (opens, closes, both)
}

/// The marks that these delimiters give to the pieces.
#[cfg(test)]
pub fn claimed(pieces: &[Piece], texts: &[Rc<str>], edge: Class) -> Vec<u8> {
    let mut open = Vec::new();
    let mut before = edge;
    let each = pieces.iter().zip(texts).map(|(piece, text)| {
        open = read(&open, text, before, piece.first).unwrap().0;
        before = piece.last;
        marks(&open).unwrap()
    });
    each.collect()
}
