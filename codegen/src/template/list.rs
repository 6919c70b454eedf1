//! Filters for lists: `[{{ names | filled }}]` uses as few lines as fit, `[{{ infos | lines(4) }}]` one line per item.

/// Maximum line width, as in `rustfmt.toml`.
const WIDTH: usize = 120;

// Marks around and between list items until the whole line is known. Generated text contains no control characters.
const START: char = '\u{2}';
const END: char = '\u{3}';
const SEPARATOR: char = '\u{1f}';

/// The items of a list, for `fill` to break into lines.
pub fn filled(items: Vec<String>) -> String {
    format!("{START}{}{END}", items.join(&SEPARATOR.to_string()))
}

/// The items of a list, one per line with this indentation; empty for no items.
pub fn lines(items: Vec<String>, indent: usize) -> String {
    let margin = " ".repeat(indent);
    let lines: String = items.iter().map(|item| format!("\n{margin}    {item},")).collect();
    if lines.is_empty() { lines } else { format!("{lines}\n{margin}") }
}

/// The text with its filled lists on one line where they fit, and without trailing blanks.
pub fn fill(text: &str) -> String {
    let mut filled = String::with_capacity(text.len());
    for line in text.lines() {
        match list(line) {
            Some((open, items, close)) => fill_list(&mut filled, open, &items, close),
            None => filled.push_str(line.trim_end()),
        }
        filled.push('\n');
    }
    filled
}

/// The text before the list, its items, and the text after it.
fn list(line: &str) -> Option<(&str, Vec<&str>, &str)> {
    let (open, rest) = line.split_once(START)?;
    let (items, close) = rest.split_once(END)?;
    let items = if items.is_empty() { Vec::new() } else { items.split(SEPARATOR).collect() };
    Some((open, items, close.trim_end()))
}

fn fill_list(filled: &mut String, open: &str, items: &[&str], close: &str) {
    let line = items.join(", ");
    if open.len() + line.len() + close.len() <= WIDTH {
        filled.extend([open, &line, close]);
        return;
    }
    let indent = &open[..open.len() - open.trim_start().len()];
    filled.extend([open.trim_end(), "\n"]);
    let mut column = 0;
    for item in items {
        if column > 0 && column + item.len() + 2 > WIDTH {
            filled.push('\n');
            column = 0;
        }
        match column {
            0 => {
                filled.extend([indent, "    "]);
                column = indent.len() + 4;
            }
            _ => {
                filled.push(' ');
                column += 1;
            }
        }
        filled.extend([item, ","]);
        column += item.len() + 1;
    }
    filled.extend(["\n", indent, close.trim_start()]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_broken_where_its_line_is_full() {
        let line = |count: usize| format!("    f(&[{}]);  \n", filled(vec!["\"a word\"".to_owned(); count]));
        assert_eq!(fill(&line(2)), "    f(&[\"a word\", \"a word\"]);\n");
        let many = fill(&line(12));
        let lines: Vec<_> = many.lines().collect();
        assert_eq!((lines.len(), lines[0], lines[3]), (4, "    f(&[", "    ]);"));
        assert!(lines[1].starts_with("        \"a word\", ") && lines[1].len() <= WIDTH && lines[1].ends_with(','));
        assert_eq!(fill(&line(0)), "    f(&[]);\n");
    }
}
