//! The part of an HTML tree that Markdown can express: blocks, and runs of text with markup. Other elements keep only their text, or
//! nothing.

use crate::import::html::blanks::{address, collapsed, is_shown, spaced};
use crate::import::html::tree::{DEEPEST, Is, Tree, too_deep};

pub struct Content {
    pub blocks: Vec<Block>,
    pub links: Vec<Link>,
}

pub enum Block {
    Paragraph(Vec<Run>),
    Heading(usize, Vec<Run>),
    Code {
        language: String,
        text: String,
    },
    Quote(Vec<Block>),
    List {
        /// The first number of an ordered list.
        start: Option<u64>,
        items: Vec<Vec<Block>>,
    },
    Table {
        /// The first row is the header.
        headed: bool,
        rows: Vec<Vec<Vec<Run>>>,
    },
    Rule,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub what: What,
    pub marks: Marks,
}

#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Text(String),
    Code(String),
    Image {
        /// Without a usable address, only the picture's text is kept.
        to: Option<String>,
        title: Option<String>,
        alt: String,
    },
    Break,
    /// A line break without meaning, as in plain text.
    Line,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    pub link: Option<usize>,
    pub strong: bool,
    pub emphasis: bool,
    pub strike: bool,
}

pub struct Link {
    pub to: String,
    pub title: Option<String>,
}

/// Elements that show nothing, or no text.
const SKIPPED: [&str; 21] = [
    "script", "style", "head", "title", "noscript", "template", "svg", "iframe", "object", "embed", "audio", "video",
    "canvas", "select", "textarea", "datalist", "noembed", "noframes", "frameset", "applet", "map",
];
const BLOCKS: [&str; 29] = [
    "p",
    "div",
    "section",
    "article",
    "header",
    "footer",
    "main",
    "aside",
    "nav",
    "figure",
    "figcaption",
    "address",
    "li",
    "dl",
    "dt",
    "dd",
    "form",
    "fieldset",
    "legend",
    "details",
    "summary",
    "center",
    "hgroup",
    "search",
    "tr",
    "caption",
    "tbody",
    "option",
    "body",
];

type Result<T> = std::result::Result<T, String>;

pub fn of(tree: &Tree) -> Result<Content> {
    let mut builder = Builder { tree, links: Vec::new() };
    let blocks = builder.inside(Tree::ROOT, Marks::default(), 0)?;
    Ok(Content { blocks, links: builder.links })
}

/// Text without a tag: its line breaks stay, and a blank line ends a paragraph.
pub fn of_plain(tree: &Tree) -> Content {
    let mut text = String::new();
    tree_text(tree, Tree::ROOT, 0, &mut text);
    let mut flow = Flow::default();
    for line in text.lines() {
        match line.trim().is_empty() {
            true => flow.flush(),
            false => flow.line.extend([plain(line), Run { what: What::Line, marks: Marks::default() }]),
        }
    }
    flow.flush();
    Content { blocks: flow.blocks, links: Vec::new() }
}

fn plain(text: &str) -> Run {
    Run { what: What::Text(text.to_owned()), marks: Marks::default() }
}

struct Builder<'t> {
    tree: &'t Tree,
    links: Vec<Link>,
}

/// Finished blocks, and the current paragraph.
#[derive(Default)]
struct Flow {
    blocks: Vec<Block>,
    line: Vec<Run>,
}

impl Flow {
    fn push(&mut self, what: What, marks: Marks) {
        self.line.push(Run { what, marks });
    }

    fn flush(&mut self) {
        let runs = collapsed(std::mem::take(&mut self.line));
        if !runs.is_empty() {
            self.blocks.push(Block::Paragraph(runs));
        }
    }

    fn block(&mut self, block: Block) {
        self.flush();
        self.blocks.push(block);
    }
}

impl Builder<'_> {
    /// The blocks of the children of a node.
    fn inside(&mut self, id: usize, marks: Marks, depth: usize) -> Result<Vec<Block>> {
        let mut flow = Flow::default();
        self.children(id, marks, &mut flow, depth)?;
        flow.flush();
        Ok(flow.blocks)
    }

    fn children(&mut self, id: usize, marks: Marks, flow: &mut Flow, depth: usize) -> Result<()> {
        // The parser may move elements, so the depth is counted here as well.
        if depth > 2 * DEEPEST {
            return Err(too_deep());
        }
        let tree = self.tree;
        tree.children(id).iter().try_for_each(|child| self.node(*child, marks, flow, depth + 1))
    }

    fn node(&mut self, id: usize, marks: Marks, flow: &mut Flow, depth: usize) -> Result<()> {
        let tree = self.tree;
        match &tree.node(id).is {
            Is::Text(text) => flow.push(What::Text(text.clone()), marks),
            Is::Element { name, .. } => return self.element(id, name, marks, flow, depth),
            Is::Other => {}
        }
        Ok(())
    }

    fn element(&mut self, id: usize, name: &str, marks: Marks, flow: &mut Flow, depth: usize) -> Result<()> {
        match name {
            _ if SKIPPED.contains(&name) => {}
            "br" => flow.push(What::Break, Marks::default()),
            "wbr" => {}
            "img" | "image" => self.image(id, marks, flow),
            "b" | "strong" => return self.children(id, Marks { strong: true, ..marks }, flow, depth),
            "i" | "em" => return self.children(id, Marks { emphasis: true, ..marks }, flow, depth),
            "s" | "del" | "strike" => return self.children(id, Marks { strike: true, ..marks }, flow, depth),
            "a" => {
                let marks = self.link(id, marks);
                return self.children(id, marks, flow, depth);
            }
            "code" | "kbd" | "samp" | "tt" => {
                let mut text = String::new();
                tree_text(self.tree, id, depth, &mut text);
                flow.push(What::Code(text), marks);
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                let level = usize::from(name.as_bytes()[1] - b'0');
                let blocks = self.inside(id, marks, depth)?;
                flow.flush();
                match joined(&blocks) {
                    Some(runs) if !runs.is_empty() => flow.blocks.push(Block::Heading(level, runs)),
                    Some(_) => {}
                    None => flow.blocks.extend(blocks),
                }
            }
            "pre" | "listing" | "xmp" | "plaintext" => self.code(id, flow, depth),
            "blockquote" => {
                let inside = self.inside(id, marks, depth)?;
                if !inside.is_empty() {
                    flow.block(Block::Quote(inside));
                }
            }
            "ul" | "ol" | "menu" | "dir" => return self.list(id, name == "ol", marks, flow, depth),
            "table" => return self.table(id, marks, flow, depth),
            "hr" => flow.block(Block::Rule),
            _ if BLOCKS.contains(&name) => {
                flow.flush();
                self.children(id, marks, flow, depth)?;
                flow.flush();
            }
            "td" | "th" => {
                flow.push(What::Text(" ".into()), marks);
                self.children(id, marks, flow, depth)?;
                flow.push(What::Text(" ".into()), marks);
            }
            _ => return self.children(id, marks, flow, depth),
        }
        Ok(())
    }

    fn image(&self, id: usize, marks: Marks, flow: &mut Flow) {
        let to = self.tree.attribute(id, "src").and_then(address);
        let alt = spaced(self.tree.attribute(id, "alt").unwrap_or_default());
        if to.is_some() || !alt.is_empty() {
            flow.push(What::Image { to, title: self.title(id), alt }, marks);
        }
    }

    fn link(&mut self, id: usize, marks: Marks) -> Marks {
        let Some(to) = self.tree.attribute(id, "href").and_then(address) else { return marks };
        self.links.push(Link { to, title: self.title(id) });
        Marks { link: Some(self.links.len() - 1), ..marks }
    }

    fn title(&self, id: usize) -> Option<String> {
        self.tree.attribute(id, "title").map(spaced).filter(|title| !title.is_empty())
    }

    fn code(&self, id: usize, flow: &mut Flow, depth: usize) {
        let mut text = String::new();
        tree_text(self.tree, id, depth, &mut text);
        let text: String = text.chars().filter(|&letter| letter == '\n' || is_shown(letter)).collect();
        let text = text.trim_end().trim_start_matches('\n');
        if !text.trim().is_empty() {
            flow.block(Block::Code { language: self.language(id), text: text.to_owned() });
        }
    }

    /// `rust` from `class="language-rust"`, of the element or the one inside it.
    fn language(&self, id: usize) -> String {
        let inside = self.tree.children(id).iter().copied();
        let classes = [id].into_iter().chain(inside).filter_map(|id| self.tree.attribute(id, "class"));
        let names = classes.flat_map(str::split_whitespace).filter_map(|class| class.strip_prefix("language-"));
        let plain = |name: &&str| {
            name.len() <= 20
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'#'))
        };
        names.filter(plain).map(str::to_owned).next().unwrap_or_default()
    }

    fn list(&mut self, id: usize, ordered: bool, marks: Marks, flow: &mut Flow, depth: usize) -> Result<()> {
        if depth > 2 * DEEPEST {
            return Err(too_deep());
        }
        let tree = self.tree;
        let mut items: Vec<Vec<Block>> = Vec::new();
        for &child in tree.children(id) {
            if tree.name(child) == "li" {
                items.push(self.inside(child, marks, depth + 1)?);
                continue;
            }
            let mut stray = Flow::default();
            self.node(child, marks, &mut stray, depth + 1)?;
            stray.flush();
            match items.last_mut() {
                Some(last) => last.extend(stray.blocks),
                None if stray.blocks.is_empty() => {}
                None => items.push(stray.blocks),
            }
        }
        if items.iter().all(Vec::is_empty) {
            return Ok(());
        }
        let first = tree.attribute(id, "start").and_then(|start| start.trim().parse().ok());
        let start = ordered.then(|| first.filter(|first| *first < 1_000_000).unwrap_or(1));
        flow.block(Block::List { start, items });
        Ok(())
    }

    fn table(&mut self, id: usize, marks: Marks, flow: &mut Flow, depth: usize) -> Result<()> {
        flow.flush();
        let mut found = Rows::default();
        rows(self.tree, id, depth, &mut found)?;
        for caption in found.captions {
            flow.blocks.extend(self.inside(caption, marks, depth + 1)?);
        }
        let headed = found.rows.first().is_some_and(|row| row.iter().any(|cell| self.tree.name(*cell) == "th"));
        let mut cells: Vec<Vec<Vec<Block>>> = Vec::new();
        for row in found.rows {
            let row: Result<Vec<_>> = row.into_iter().map(|cell| self.inside(cell, marks, depth + 1)).collect();
            cells.push(row?);
        }
        cells.retain(|row| row.iter().any(|cell| !cell.is_empty()));
        let lines: Option<Vec<Vec<Vec<Run>>>> =
            cells.iter().map(|row| row.iter().map(|cell| joined(cell)).collect()).collect();
        match lines {
            Some(rows) if rows.iter().any(|row| row.len() > 1) || rows.len() > 1 => {
                flow.block(Block::Table { headed, rows });
            }
            // A table that contains lists or tables is used for layout, and so is a single cell.
            _ => flow.blocks.extend(cells.into_iter().flatten().flatten()),
        }
        Ok(())
    }
}

#[derive(Default)]
struct Rows {
    captions: Vec<usize>,
    rows: Vec<Vec<usize>>,
}

fn rows(tree: &Tree, id: usize, depth: usize, found: &mut Rows) -> Result<()> {
    if depth > 2 * DEEPEST {
        return Err(too_deep());
    }
    for &child in tree.children(id) {
        match tree.name(child) {
            "caption" => found.captions.push(child),
            "tr" => {
                let cell = |id: &&usize| matches!(tree.name(**id), "td" | "th");
                found.rows.push(tree.children(child).iter().filter(cell).copied().collect());
            }
            "thead" | "tbody" | "tfoot" => rows(tree, child, depth + 1, found)?,
            _ => {}
        }
    }
    Ok(())
}

/// Joins paragraphs to one line; `None` if there is anything else.
fn joined(blocks: &[Block]) -> Option<Vec<Run>> {
    let mut line: Vec<Run> = Vec::new();
    for block in blocks {
        let Block::Paragraph(runs) = block else { return None };
        if !line.is_empty() {
            line.push(plain(" "));
        }
        line.extend(runs.iter().map(|run| match run.what {
            What::Break | What::Line => plain(" "),
            _ => run.clone(),
        }));
    }
    Some(collapsed(line))
}

/// The text below a node verbatim, with `<br>` as a line break and pictures as their text.
fn tree_text(tree: &Tree, id: usize, depth: usize, text: &mut String) {
    if depth > 2 * DEEPEST {
        return;
    }
    match &tree.node(id).is {
        Is::Text(plain) => text.push_str(plain),
        Is::Element { name, .. } if &**name == "br" => text.push('\n'),
        Is::Element { name, .. } if &**name == "img" => {
            text.push_str(&spaced(tree.attribute(id, "alt").unwrap_or_default()));
        }
        Is::Element { name, .. } if SKIPPED.contains(&&**name) => {}
        _ => tree.children(id).iter().for_each(|child| tree_text(tree, *child, depth + 1, text)),
    }
}
