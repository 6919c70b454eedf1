//! Writes blocks and runs as CommonMark with GitHub's tables. Markup that a parser would not recognise is left out, but its text is kept.

use std::cell::RefCell;

use joints::{Class, EMPHASIS, Joints, Piece, STRIKE, STRONG};

use crate::import::html::content::{Block, Content, Link, Marks, Run, What};
use crate::import::html::escape;

pub(super) mod joints;

pub fn write(content: &Content) -> String {
    let writer = Writer { links: &content.links, joints: RefCell::new(Joints::new()) };
    writer.blocks(&content.blocks)
}

/// A placeholder for a break until its line is written; it occurs in no text.
const BREAK: char = '\u{1}';

struct Writer<'c> {
    links: &'c [Link],
    joints: RefCell<Joints>,
}

/// The context of a text, as far as it affects escaping.
#[derive(Clone, Copy)]
struct Place {
    /// Something follows on the line.
    more: bool,
    /// Inside a table cell.
    cell: bool,
}

enum Leaf {
    Text(String),
    Code(String),
    /// A link or an image in Markdown.
    Written(String),
}

impl Writer<'_> {
    fn blocks(&self, blocks: &[Block]) -> String {
        let mut out = String::new();
        let mut before: Option<(&Block, bool)> = None;
        for block in blocks {
            // Two consecutive lists would be parsed as one.
            let other = matches!((before, block), (Some((Block::List { start: one, .. }, other)), Block::List { start: two, .. })
                if one.is_some() == two.is_some() && !other);
            if before.is_some() {
                out.push_str("\n\n");
            }
            out.push_str(&self.block(block, other));
            before = Some((block, other));
        }
        out
    }

    fn block(&self, block: &Block, other_mark: bool) -> String {
        match block {
            Block::Paragraph(runs) => self.paragraph(runs),
            Block::Heading(level, runs) => {
                let mut text = self.line(runs, false);
                if text.ends_with('#') {
                    text.insert(text.len() - 1, '\\');
                }
                format!("{} {text}", "#".repeat(*level))
            }
            Block::Code { language, text } => {
                let fence = "`".repeat(longest_run(text).max(2) + 1);
                format!("{fence}{language}\n{text}\n{fence}")
            }
            Block::Quote(inside) => indented(&self.blocks(inside), "> ", "> "),
            Block::List { start, items } => self.list(*start, items, other_mark),
            Block::Table { headed, rows } => self.table(*headed, rows),
            // Cannot be the underline of a heading or a list item.
            Block::Rule => "***".to_owned(),
        }
    }

    fn paragraph(&self, runs: &[Run]) -> String {
        let text = self.line(runs, false);
        let line = |line: &str| match line.strip_suffix(BREAK) {
            Some("") => "\\".to_owned(),
            Some(broken) => escape::line(broken.trim_matches(' ')) + "  ",
            None => escape::line(line.trim_matches(' ')),
        };
        text.split('\n').map(line).collect::<Vec<_>>().join("\n")
    }

    fn list(&self, start: Option<u64>, items: &[Vec<Block>], other_mark: bool) -> String {
        let simple = |item: &Vec<Block>| {
            matches!(item.as_slice(), [] | [_] | [Block::Paragraph(_), Block::List { start: None | Some(1), .. }])
        };
        let tight = items.iter().all(simple);
        let mut out = Vec::with_capacity(items.len());
        for (number, item) in (start.unwrap_or(0)..).zip(items) {
            let mark = match (start, other_mark) {
                (None, false) => "- ".to_owned(),
                (None, true) => "+ ".to_owned(),
                (Some(_), false) => format!("{number}. "),
                (Some(_), true) => format!("{number}) "),
            };
            let text = match item.as_slice() {
                [paragraph, list @ Block::List { .. }] if tight => {
                    format!("{}\n{}", self.block(paragraph, false), self.block(list, false))
                }
                blocks => self.blocks(blocks),
            };
            out.push(indented(&text, &mark, &" ".repeat(mark.len())));
        }
        out.join(if tight { "\n" } else { "\n\n" })
    }

    fn table(&self, headed: bool, rows: &[Vec<Vec<Run>>]) -> String {
        let width = rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut lines: Vec<String> = Vec::with_capacity(rows.len() + 2);
        if !headed {
            lines.push(row(&vec![String::new(); width]));
        }
        for cells in rows {
            let mut cells: Vec<String> = cells.iter().map(|cell| self.line(cell, true)).collect();
            // Cells beyond the width of the first row would not be shown.
            cells.resize(width, String::new());
            lines.push(row(&cells));
        }
        lines.insert(1, row(&vec!["---".to_owned(); width]));
        lines.join("\n")
    }

    fn line(&self, runs: &[Run], cell: bool) -> String {
        let mut out = String::new();
        let mut rest = runs;
        while !rest.is_empty() {
            let end = rest.iter().position(|run| matches!(run.what, What::Break | What::Line));
            let (part, after) = rest.split_at(end.unwrap_or(rest.len()));
            let place = Place { more: !after.is_empty(), cell };
            out.push_str(&self.part(part, Class::Space, place));
            match after.first().map(|run| &run.what) {
                Some(What::Break) if !cell => out.extend([BREAK, '\n']),
                Some(What::Line) if !cell => out.push('\n'),
                Some(_) => out.push(' '),
                None => {}
            }
            rest = after.get(1..).unwrap_or_default();
        }
        out
    }

    /// Writes the runs between two line breaks, or inside a link; `edge` is the class on both sides.
    fn part(&self, runs: &[Run], edge: Class, place: Place) -> String {
        let (leaves, pieces) = self.pieces(runs, place);
        let joints = self.joints.borrow_mut().between(&pieces, edge);
        let mut joined: Vec<(&str, Leaf)> = Vec::with_capacity(leaves.len());
        for (joint, leaf) in joints.iter().zip(leaves) {
            match (joined.last_mut(), leaf) {
                (Some((_, Leaf::Text(before))), Leaf::Text(text)) if joint.is_empty() => before.push_str(&text),
                // Between two of them, the backticks would form one run.
                (Some((_, Leaf::Code(before))), Leaf::Code(text)) if joint.is_empty() => before.push_str(&text),
                (_, leaf) => joined.push((&**joint, leaf)),
            }
        }
        let last = joints.last().map_or("", |last| last);
        let count = joined.len();
        let mut out = String::new();
        for (index, (joint, leaf)) in joined.into_iter().enumerate() {
            out.push_str(joint);
            let more = place.more || index + 1 < count || !last.is_empty();
            write_leaf(leaf, Place { more, ..place }, &mut out);
        }
        out.push_str(last);
        out
    }

    fn pieces(&self, runs: &[Run], place: Place) -> (Vec<Leaf>, Vec<Piece>) {
        let (mut leaves, mut pieces) = (Vec::new(), Vec::new());
        let mut add = |leaf: Leaf, piece: Piece| {
            leaves.push(leaf);
            pieces.push(piece);
        };
        let mut rest = runs;
        while let Some(first) = rest.first() {
            let link = first.marks.link.and_then(|link| self.links.get(link));
            let same = |run: &Run| link.is_some() && run.marks.link == first.marks.link;
            let (group, after) = rest.split_at(1 + rest[1..].iter().take_while(|run| same(run)).count());
            rest = after;
            let Some(link) = link else {
                self.leaves(first, &mut add);
                continue;
            };
            let (start, content, end) = trimmed(group);
            add_text(&start, 0, &mut add);
            if !content.is_empty() {
                let inside = self.part(&content, Class::Punctuation, Place { more: true, ..place });
                let written = format!("[{inside}]({})", target(&link.to, link.title.as_deref()));
                add(Leaf::Written(written), solid(0, 0));
            }
            add_text(&end, 0, &mut add);
        }
        (leaves, pieces)
    }

    fn leaves(&self, run: &Run, add: &mut impl FnMut(Leaf, Piece)) {
        let wanted = [(run.marks.strong, STRONG), (run.marks.emphasis, EMPHASIS), (run.marks.strike, STRIKE)];
        let wanted = wanted.iter().filter(|(has, _)| *has).map(|(_, mark)| mark).sum();
        match &run.what {
            What::Text(text) | What::Image { to: None, alt: text, .. } => add_text(text, wanted, add),
            What::Code(text) => add(Leaf::Code(text.clone()), solid(wanted, LETTER * text.chars().count() as u64)),
            What::Image { to: Some(to), title, alt } => {
                let written = format!("![{}]({})", escape::text(alt, true), target(to, title.as_deref()));
                add(Leaf::Written(written), solid(wanted, SIGN));
            }
            What::Break | What::Line => {}
        }
    }
}

/// The weight of a mark on a letter, and on a character that can stay outside of it.
const LETTER: u64 = 1000;
const SIGN: u64 = 10;

/// Blanks and punctuation at the ends become separate pieces, because delimiters cannot always be next to them.
fn add_text(text: &str, wanted: u8, add: &mut impl FnMut(Leaf, Piece)) {
    let is_word = |letter: char| Class::of(letter) == Class::Word;
    let cuts = if wanted == 0 {
        [0; 4]
    } else {
        let start = text.len() - text.trim_start().len();
        let end = text.trim_end().len().max(start);
        let word = text.find(is_word).unwrap_or(end);
        let last = text.char_indices().rfind(|(_, letter)| is_word(*letter));
        [start, word, last.map_or(end, |(at, letter)| at + letter.len_utf8()), end]
    };
    let bounds = [0, cuts[0], cuts[1], cuts[2], cuts[3], text.len()];
    for pair in bounds.windows(2) {
        let part = &text[pair[0]..pair[1]];
        let Some((first, last)) = part.chars().next().zip(part.chars().next_back()) else { continue };
        let count = part.chars().filter(|letter| !letter.is_whitespace()).count() as u64;
        let weight = count * if is_word(first) { LETTER } else { SIGN };
        add(Leaf::Text(part.to_owned()), Piece { first: Class::of(first), last: Class::of(last), wanted, weight });
    }
}

/// A piece that begins and ends with punctuation of Markdown.
fn solid(wanted: u8, weight: u64) -> Piece {
    Piece { first: Class::Punctuation, last: Class::Punctuation, wanted, weight }
}

/// Moves blanks at the ends of a link outside of it.
fn trimmed(group: &[Run]) -> (String, Vec<Run>, String) {
    let mut content: Vec<Run> =
        group.iter().map(|run| Run { what: run.what.clone(), marks: Marks { link: None, ..run.marks } }).collect();
    let mut start = String::new();
    while let Some(Run { what: What::Text(text), .. }) = content.first_mut() {
        let kept = text.trim_start().to_owned();
        start.push_str(&text[..text.len() - kept.len()]);
        *text = kept;
        if !text.is_empty() {
            break;
        }
        content.remove(0);
    }
    let mut end = String::new();
    while let Some(Run { what: What::Text(text), .. }) = content.last_mut() {
        let kept = text.trim_end().len();
        end.insert_str(0, &text.split_off(kept));
        if !text.is_empty() {
            break;
        }
        content.pop();
    }
    (start, content, end)
}

fn write_leaf(leaf: Leaf, place: Place, out: &mut String) {
    match leaf {
        Leaf::Text(text) => out.push_str(&escape::text(&text, place.more)),
        Leaf::Code(text) => {
            let text = if place.cell { text.replace('|', "\\|") } else { text };
            let fence = "`".repeat(longest_run(&text) + 1);
            let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
            out.push_str(&format!("{fence}{pad}{text}{pad}{fence}"));
        }
        Leaf::Written(text) => {
            // An exclamation mark before a link would turn it into an image.
            if out.ends_with('!') && text.starts_with('[') {
                out.insert(out.len() - 1, '\\');
            }
            out.push_str(&text);
        }
    }
}

fn target(to: &str, title: Option<&str>) -> String {
    match title {
        Some(title) => format!("{} \"{}\"", escape::address(to), escape::title(title)),
        None => escape::address(to),
    }
}

fn row(cells: &[String]) -> String {
    let cells: String = cells.iter().map(|cell| format!(" {} |", cell.trim())).collect();
    format!("|{cells}")
}

/// Prefixes the first line with `mark` and the others with `rest`; blank lines stay blank except for a mark.
fn indented(text: &str, mark: &str, rest: &str) -> String {
    let mut out = String::new();
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            out.push('\n');
        }
        let prefix = if index == 0 { mark } else { rest };
        out.push_str(if line.is_empty() { prefix.trim_end() } else { prefix });
        out.push_str(line);
    }
    out
}

/// The length of the longest run of backticks.
fn longest_run(text: &str) -> usize {
    text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0)
}
