//! How much of the server requests may hold at the same time: memory, time and connections.

use std::time::Duration;

use base::memory::MIB;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// `TYPECASE_ANSWER_LIMIT`: bytes of one answer, a whole batch.
    pub answer: usize,
    /// `TYPECASE_ANSWER_MEMORY`: bytes of all answers, while they are made and until they are sent.
    pub answers: usize,
    /// `TYPECASE_BODY_MEMORY`: bytes of all bodies of requests, and of what is read from them.
    pub bodies: usize,
    /// `TYPECASE_ANSWER_TIME`: for how long a client may take nothing of its answer.
    pub patience: Duration,
    /// `TYPECASE_HTTP_CONNECTIONS`
    pub connections: usize,
    /// `TYPECASE_HTTP_CONNECTIONS_PER_ADDRESS`
    pub by_address: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            answer: 8 * MIB,
            answers: 48 * MIB,
            bodies: 32 * MIB,
            patience: Duration::from_secs(20),
            connections: 4096,
            by_address: 1024,
        }
    }
}

impl Bounds {
    pub fn read(variable: impl Fn(&'static str) -> Option<String>, wrong: &mut Vec<(&'static str, String)>) -> Self {
        let default = Self::default();
        let mut number = |name, unit: &str, least: usize, most: usize, default: usize| {
            let Some(text) = variable(name) else { return default };
            text.parse().ok().filter(|number| (least..=most).contains(number)).unwrap_or_else(|| {
                wrong.push((name, format!("`{text}` is no number of {unit} from {least} to {most}")));
                default
            })
        };
        let answer = number("TYPECASE_ANSWER_LIMIT", "MiB", 1, 1024, default.answer / MIB);
        // One of the largest, while it grows, must leave room for others.
        let answers = default.answers.max(answer * 4 * MIB) / MIB;
        let bounds = Self {
            answer: answer * MIB,
            answers: number("TYPECASE_ANSWER_MEMORY", "MiB", answer * 4, 65_536, answers) * MIB,
            bodies: number("TYPECASE_BODY_MEMORY", "MiB", 8, 65_536, default.bodies / MIB) * MIB,
            patience: Duration::from_secs(number(
                "TYPECASE_ANSWER_TIME",
                "seconds",
                1,
                3600,
                default.patience.as_secs() as usize,
            ) as u64),
            connections: number("TYPECASE_HTTP_CONNECTIONS", "connections", 16, 1_000_000, default.connections),
            by_address: default.by_address,
        };
        let by_address = default.by_address.min(bounds.connections);
        let most = bounds.connections;
        Self {
            by_address: number("TYPECASE_HTTP_CONNECTIONS_PER_ADDRESS", "connections", 1, most, by_address),
            ..bounds
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Bounds, Vec<&'static str>> {
        let mut wrong = Vec::new();
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let bounds = Bounds::read(variable, &mut wrong);
        if wrong.is_empty() { Ok(bounds) } else { Err(wrong.into_iter().map(|(name, _)| name).collect()) }
    }

    #[test]
    fn what_is_set_fits_together() {
        assert_eq!(read(&[]), Ok(Bounds::default()));
        let large = read(&[("TYPECASE_ANSWER_LIMIT", "32")]).unwrap();
        assert_eq!((large.answer, large.answers), (32 * MIB, 128 * MIB));
        let few = read(&[("TYPECASE_HTTP_CONNECTIONS", "64")]).unwrap();
        assert_eq!((few.connections, few.by_address), (64, 64));
        let wrong = read(&[
            ("TYPECASE_ANSWER_LIMIT", "8MB"),
            ("TYPECASE_ANSWER_MEMORY", "8"),
            ("TYPECASE_BODY_MEMORY", "0"),
            ("TYPECASE_ANSWER_TIME", "0"),
            ("TYPECASE_HTTP_CONNECTIONS", "-1"),
            ("TYPECASE_HTTP_CONNECTIONS_PER_ADDRESS", "5000"),
        ]);
        assert_eq!(wrong.unwrap_err().len(), 6);
    }
}
