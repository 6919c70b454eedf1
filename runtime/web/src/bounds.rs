//! Bounds on the memory, time and connections that all requests may hold at the same time.

use std::time::Duration;

use base::memory::MIB;
use base::settings::{self, Reader};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// `TYPECASE_RESPONSE_LIMIT`: bytes of one response, which may be a whole batch.
    pub answer: usize,
    /// `TYPECASE_RESPONSE_MEMORY`: bytes of all responses, from their creation until they are sent.
    pub answers: usize,
    /// `TYPECASE_BODY_MEMORY`: bytes of all request bodies, and of the values parsed from them.
    pub bodies: usize,
    /// `TYPECASE_RESPONSE_TIME`: how long a client may leave its response unread.
    pub patience: Duration,
    /// `TYPECASE_HTTP_CONNECTIONS`
    pub connections: usize,
    /// `TYPECASE_HTTP_CONNECTIONS_PER_ADDRESS`
    pub by_address: usize,
    /// `TYPECASE_SUBSCRIPTIONS`
    pub subscriptions: usize,
    /// `TYPECASE_SUBSCRIPTIONS_PER_CLIENT`
    pub subscriptions_by_client: usize,
    /// `TYPECASE_SUBSCRIPTIONS_PER_CONNECTION`
    pub subscriptions_by_connection: usize,
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
            subscriptions: 2000,
            subscriptions_by_client: 100,
            subscriptions_by_connection: 50,
        }
    }
}

impl Bounds {
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let mut number = |setting| reader.number(setting) as usize;
        let mut bounds = Self {
            answer: number(&settings::TYPECASE_RESPONSE_LIMIT) * MIB,
            answers: number(&settings::TYPECASE_RESPONSE_MEMORY) * MIB,
            bodies: number(&settings::TYPECASE_BODY_MEMORY) * MIB,
            patience: Duration::from_secs(number(&settings::TYPECASE_RESPONSE_TIME) as u64),
            connections: number(&settings::TYPECASE_HTTP_CONNECTIONS),
            by_address: number(&settings::TYPECASE_HTTP_CONNECTIONS_PER_ADDRESS),
            subscriptions: number(&settings::TYPECASE_SUBSCRIPTIONS),
            subscriptions_by_client: number(&settings::TYPECASE_SUBSCRIPTIONS_PER_CLIENT),
            subscriptions_by_connection: number(&settings::TYPECASE_SUBSCRIPTIONS_PER_CONNECTION),
        };
        // A response of the largest size must leave room for others while it grows.
        let least = bounds.answer * 4;
        if bounds.answers < least {
            if reader.get(&settings::TYPECASE_RESPONSE_MEMORY).is_some() {
                let why = format!("it is less than four times TYPECASE_RESPONSE_LIMIT, {} MiB", least / MIB);
                reader.wrong(settings::TYPECASE_RESPONSE_MEMORY.name, why);
            }
            bounds.answers = least;
        }
        if bounds.by_address > bounds.connections {
            if reader.get(&settings::TYPECASE_HTTP_CONNECTIONS_PER_ADDRESS).is_some() {
                let why = format!("it is more than TYPECASE_HTTP_CONNECTIONS, {}", bounds.connections);
                reader.wrong(settings::TYPECASE_HTTP_CONNECTIONS_PER_ADDRESS.name, why);
            }
            bounds.by_address = bounds.connections;
        }
        bounds
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Bounds, Vec<Cow<'static, str>>> {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let mut reader = Reader::new(&variable);
        let bounds = Bounds::read(&mut reader);
        let wrong = reader.finish();
        if wrong.is_empty() { Ok(bounds) } else { Err(wrong.into_iter().map(|wrong| wrong.variable).collect()) }
    }

    #[test]
    fn what_is_set_fits_together() {
        assert_eq!(read(&[]), Ok(Bounds::default()));
        let large = read(&[("TYPECASE_RESPONSE_LIMIT", "32")]).unwrap();
        assert_eq!((large.answer, large.answers), (32 * MIB, 128 * MIB));
        let few = read(&[("TYPECASE_HTTP_CONNECTIONS", "64")]).unwrap();
        assert_eq!((few.connections, few.by_address), (64, 64));
        let wrong = read(&[
            ("TYPECASE_RESPONSE_LIMIT", "8MB"),
            ("TYPECASE_RESPONSE_MEMORY", "8"),
            ("TYPECASE_BODY_MEMORY", "0"),
            ("TYPECASE_RESPONSE_TIME", "0"),
            ("TYPECASE_HTTP_CONNECTIONS", "-1"),
            ("TYPECASE_HTTP_CONNECTIONS_PER_ADDRESS", "5000"),
        ]);
        assert_eq!(wrong.unwrap_err().len(), 6);
    }
}
