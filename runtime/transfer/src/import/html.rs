//! HTML of other systems: parsed as browsers do, and written as Markdown or plain text. Only elements listed here reach the output.

mod blanks;
mod content;
mod escape;
mod markdown;
mod tree;

use content::{Block, Run, What};

pub fn to_markdown(html: &str) -> Result<String, String> {
    let tree = tree::parse(html)?;
    let content = if has_tag(html) { content::of(&tree)? } else { content::of_plain(&tree) };
    Ok(markdown::write(&content))
}

/// Removes tags, decodes entities, and collapses blanks; a line break in HTML is one in the text.
pub fn to_text(html: &str) -> Result<String, String> {
    let content = content::of(&tree::parse(html)?)?;
    let mut lines = Vec::new();
    content.blocks.iter().for_each(|block| text_of_block(block, &mut lines));
    let lines = lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty());
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

/// In text without a tag, the author typed the line breaks.
fn has_tag(html: &str) -> bool {
    html.match_indices('<').any(|(at, _)| {
        html[at + 1..].starts_with(|next: char| next.is_ascii_alphabetic() || matches!(next, '/' | '!' | '?'))
    })
}

fn text_of_block(block: &Block, lines: &mut Vec<String>) {
    match block {
        Block::Paragraph(runs) | Block::Heading(_, runs) => lines.extend(text_of(runs).lines().map(str::to_owned)),
        Block::Code { text, .. } => lines.extend(text.lines().map(str::to_owned)),
        Block::Quote(inside) => inside.iter().for_each(|block| text_of_block(block, lines)),
        Block::List { items, .. } => items.iter().flatten().for_each(|block| text_of_block(block, lines)),
        Block::Table { rows, .. } => {
            for row in rows {
                let cells: Vec<String> = row.iter().map(|cell| text_of(cell).replace('\n', " ")).collect();
                lines.push(cells.join(" "));
            }
        }
        Block::Rule => {}
    }
}

fn text_of(runs: &[Run]) -> String {
    let mut text = String::new();
    for run in runs {
        match &run.what {
            What::Text(plain) | What::Code(plain) => text.push_str(plain),
            What::Break | What::Line => text.push('\n'),
            What::Image { .. } => {}
        }
    }
    text
}

#[cfg(test)]
mod tests;
