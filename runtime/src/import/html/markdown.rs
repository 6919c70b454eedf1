//! Blocks and runs as CommonMark, with GitHub's tables. Marks that a reader would not take for marks are left out, never their text.

use crate::import::html::content::{Block, Content, Link, Marks, Run, What};
use crate::import::html::escape;

pub fn write(content: &Content) -> String {
    let writer = Writer { links: &content.links };
    writer.blocks(&content.blocks)
}

/// Stands for a break until its line is written; no text has it.
const BREAK: char = '\u{1}';

struct Writer<'c> {
    links: &'c [Link],
}

/// Marks from the outermost to the innermost.
const LEVELS: [Level; 4] = [Level::Link, Level::Strong, Level::Emphasis, Level::Strike];

#[derive(Clone, Copy, PartialEq)]
enum Level {
    Link,
    Strong,
    Emphasis,
    Strike,
}

/// What stands around a group of runs, where it decides whether marks are marks.
#[derive(Clone, Copy)]
struct Place {
    before: Option<char>,
    after: Option<char>,
    /// Something follows on the line.
    more: bool,
    /// In a cell of a table.
    cell: bool,
}

impl Writer<'_> {
    fn blocks(&self, blocks: &[Block]) -> String {
        let mut out = String::new();
        let mut before: Option<(&Block, bool)> = None;
        for block in blocks {
            // Two lists in a row would be one.
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
            // Neither the underline of a heading nor an item of a list.
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
            // More cells than the first row has would not be shown.
            cells.resize(width, String::new());
            lines.push(row(&cells));
        }
        lines.insert(1, row(&vec!["---".to_owned(); width]));
        lines.join("\n")
    }

    fn line(&self, runs: &[Run], cell: bool) -> String {
        let mut out = String::new();
        let place = Place { before: None, after: None, more: false, cell };
        self.groups(runs, &LEVELS, place, &mut out);
        out
    }

    /// Runs that share a mark of the level are written together.
    fn groups(&self, runs: &[Run], levels: &[Level], place: Place, out: &mut String) {
        let Some((level, inner)) = levels.split_first() else {
            for (index, run) in runs.iter().enumerate() {
                self.leaf(&run.what, Place { more: place.more || index + 1 < runs.len(), ..place }, out);
            }
            return;
        };
        let mut rest = runs;
        while let Some(first) = rest.first() {
            let same = |run: &Run| level.of(run.marks) == level.of(first.marks) && !is_end(run) && !is_end(first);
            let length = 1 + rest[1..].iter().take_while(|run| same(run)).count();
            let (group, after) = rest.split_at(length);
            rest = after;
            let around = Place {
                before: out.chars().next_back().or(place.before),
                after: after.first().map(|run| first_character(run, levels)).or(place.after),
                more: place.more || !after.is_empty(),
                cell: place.cell,
            };
            match level.of(first.marks) {
                Some(mark) if !is_end(first) => self.marked(group, *level, mark, inner, around, out),
                _ => self.groups(group, inner, around, out),
            }
        }
    }

    fn marked(&self, group: &[Run], level: Level, mark: usize, inner: &[Level], around: Place, out: &mut String) {
        let mut text = String::new();
        let delimiter = if level == Level::Link { '[' } else { '*' };
        let inside = Place { before: Some(delimiter), after: Some(delimiter), more: true, cell: around.cell };
        self.groups(group, inner, inside, &mut text);
        // Marks stand at what is seen.
        let content = text.trim();
        let (start, end) = (&text[..text.len() - text.trim_start().len()], &text[text.trim_end().len()..]);
        if content.is_empty() {
            out.push_str(start);
            return;
        }
        let before = start.chars().next_back().or(around.before);
        let after = end.chars().next().or(around.after);
        out.push_str(start);
        match (level, fitting(level, content, before, after)) {
            (Level::Link, _) => match self.links.get(mark) {
                Some(link) => {
                    if out.ends_with('!') {
                        out.insert(out.len() - 1, '\\');
                    }
                    out.push_str(&format!("[{content}]({})", target(&link.to, link.title.as_deref())));
                }
                None => out.push_str(content),
            },
            (_, Some(mark)) => out.push_str(&format!("{mark}{content}{mark}")),
            // Written anew, for the text stands in another place now.
            (_, None) => {
                let plain = Place { before, after, ..around };
                let mut bare = String::new();
                self.groups(group, inner, plain, &mut bare);
                out.push_str(bare.trim());
            }
        }
        out.push_str(end);
    }

    fn leaf(&self, what: &What, place: Place, out: &mut String) {
        match what {
            What::Text(text) => out.push_str(&escape::text(text, place.more)),
            What::Code(text) => {
                let text = if place.cell { text.replace('|', "\\|") } else { text.clone() };
                let fence = "`".repeat(longest_run(&text) + 1);
                let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
                out.push_str(&format!("{fence}{pad}{text}{pad}{fence}"));
            }
            What::Image { to, title, alt } => {
                out.push_str(&format!("![{}]({})", escape::text(alt, true), target(to, title.as_deref())));
            }
            What::Break if !place.cell => out.extend([BREAK, '\n']),
            What::Line if !place.cell => out.push('\n'),
            What::Break | What::Line => out.push(' '),
        }
    }
}

impl Level {
    /// What tells the groups of this level apart.
    fn of(self, marks: Marks) -> Option<usize> {
        match self {
            Self::Link => marks.link,
            Self::Strong => marks.strong.then_some(0),
            Self::Emphasis => marks.emphasis.then_some(0),
            Self::Strike => marks.strike.then_some(0),
        }
    }
}

/// The delimiter that is read as one on both sides, by CommonMark's rules of flanking; what could go either way does not fit.
fn fitting(level: Level, content: &str, before: Option<char>, after: Option<char>) -> Option<&'static str> {
    let (first, last) = (content.chars().next()?, content.chars().next_back()?);
    let word = |letter: char| letter.is_alphanumeric();
    let apart =
        |letter: Option<char>| letter.is_none_or(|letter| letter.is_whitespace() || letter.is_ascii_punctuation());
    if !(word(first) || apart(before)) || !(word(last) || apart(after)) {
        return None;
    }
    let alone = |mark: char| ![before, after, Some(first), Some(last)].contains(&Some(mark));
    match level {
        Level::Strong if alone('*') => Some("**"),
        Level::Strike if alone('~') => Some("~~"),
        Level::Emphasis if alone('_') && apart(before) && apart(after) => Some("_"),
        Level::Emphasis if alone('*') => Some("*"),
        _ => None,
    }
}

fn is_end(run: &Run) -> bool {
    matches!(run.what, What::Break | What::Line)
}

/// With which character the run will begin, as far as it matters to a mark of these levels before it.
fn first_character(run: &Run, levels: &[Level]) -> char {
    let opened = levels.iter().find(|level| level.of(run.marks).is_some());
    match (&run.what, opened) {
        (What::Break | What::Line, _) => '\n',
        (_, Some(Level::Link)) => '[',
        (_, Some(Level::Strong | Level::Strike)) => '*',
        (_, Some(Level::Emphasis)) => '_',
        (What::Text(text), None) => text.chars().next().unwrap_or(' '),
        (What::Code(_), None) => '`',
        (What::Image { .. }, None) => '!',
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

/// The first line behind `mark`, the others behind `rest`; blank ones stay blank but for a mark.
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

/// The longest row of backticks.
fn longest_run(text: &str) -> usize {
    text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0)
}
