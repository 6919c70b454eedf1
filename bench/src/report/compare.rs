//! What has changed since the results of the last commit.

use super::table::{ratio, table, whole};
use crate::cases::CASES;
use crate::figures::{Run, target};

/// Runs on a machine that is shared differ by so much.
const NOISE: f64 = 0.15;

pub fn section(run: &Run, last: Option<&Run>) -> String {
    let Some(last) = last else { return "No results are committed yet.\n".to_owned() };
    let mut text = format!("The last ones are of {}.", last.machine.commit);
    if (&last.machine.cpu, last.machine.cores) != (&run.machine.cpu, run.machine.cores) {
        text += " They are of another machine, so only ratios can be compared.";
    }
    text += &format!(" Marked is what differs by more than {:.0} %.\n\n", NOISE * 100.0);
    let names = CASES.iter().map(|case| case.name).chain(["update"]);
    let rows = names.filter_map(|name| {
        let of = |run: &Run| (run.rate(name, target::OFF, 16), run.ratio(name, (target::OFF, target::FLOOR), 16));
        let ((rate, share), (last_rate, last_share)) = (of(run), of(last));
        let change = share? / last_share?;
        let mark = if (change - 1.0).abs() > NOISE { if change > 1.0 { "better" } else { "**worse**" } } else { "" };
        Some(vec![name.to_owned(), whole(last_rate), whole(rate), ratio(last_share), ratio(share), mark.to_owned()])
    });
    text + &table(&["case", "requests/s before", "now", "of the floor before", "now", ""], rows)
}
