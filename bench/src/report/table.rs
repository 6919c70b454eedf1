//! Tables in Markdown, and numbers as text.

pub fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let rule: Vec<String> =
        head.iter().enumerate().map(|(at, _)| if at == 0 { "---" } else { "---:" }.to_owned()).collect();
    let rows: String = rows.into_iter().map(|row| line(&row)).collect();
    line(&head) + &line(&rule) + &rows
}

/// A whole number with commas.
pub fn whole(number: Option<f64>) -> String {
    let Some(number) = number else { return "-".to_owned() };
    let digits = format!("{:.0}", number.abs());
    let grouped: Vec<String> =
        digits.as_bytes().rchunks(3).rev().map(|digits| String::from_utf8_lossy(digits).into_owned()).collect();
    format!("{}{}", if number < 0.0 { "-" } else { "" }, grouped.join(","))
}

pub fn decimal(number: Option<f64>, places: usize) -> String {
    number.map_or_else(|| "-".to_owned(), |number| format!("{number:.places$}"))
}

pub fn ratio(number: Option<f64>) -> String {
    decimal(number, 2)
}
