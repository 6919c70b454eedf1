//! Rate limits: GCRA (the leaky bucket as a meter), by actor, address and account.
//!
//! The state of a key is one timestamp: when its bucket will be empty again. With `REDIS_URL` all nodes share these timestamps; while Redis
//! is unreachable, each node counts for itself.

pub(crate) mod link;
#[cfg(feature = "redis")]
mod shared;

use std::collections::HashMap;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use sha2::{Digest, Sha256};

pub use self::link::Redis;
use super::Peer;
use base::error::{Code, Error, Result};
use store::access::Network;
use store::access::{Actor, Identity};

/// Keys of one generation in memory, about 100 bytes each; there are two generations.
const GENERATION: usize = 50_000;
/// Requests with a token are counted by actor; an address may send this many times more of them, since users share it.
const BEHIND_ONE_ADDRESS: u32 = 10;
/// A GraphQL operation counts as one request for each started part of this cost.
const COST_OF_ONE: u64 = 2_000;
/// Changes that the subscriptions of a client may read, for each request that it may send.
const CHANGES: u32 = 10;
/// An address refreshes more sessions than it signs in, and its programs go on sending an expired token.
const REFRESHES: u32 = 3;

/// All policies.
const POLICIES: [&str; 23] = [
    "anonymous",
    "actor",
    "address",
    "sign-in",
    "sign-in-account",
    "refresh",
    "refresh-account",
    "reset",
    "reset-account",
    "link",
    "link-account",
    "invitation",
    "invitation-account",
    "password",
    "password-account",
    "code",
    "code-account",
    "provider",
    "provider-account",
    "return",
    "return-account",
    "token",
    "token-account",
];

/// A number of requests per time: `600/min`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub quota: u32,
    pub window: Duration,
}

/// `TYPECASE_RATE`, `TYPECASE_SIGN_IN_RATE`, and the address of Redis; a rate of `None` is unlimited.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub general: Option<Rate>,
    pub sign_in: Option<Rate>,
    pub redis: Option<Redis>,
}

/// Requests that are limited separately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strict {
    SignIn,
    Refresh,
    Reset,
    /// Use of a link from a mail.
    Link,
    Invitation,
    /// A known password is checked again.
    Password,
    /// A code of the second factor, on its own.
    Code,
    /// Sign-in with another provider begins or returns.
    Provider,
    Return,
    /// An invalid token that could have been guessed; a signed one cannot.
    Token,
}

/// The decision of a policy for one key.
#[derive(Clone, Debug)]
pub struct Decision {
    pub policy: &'static str,
    pub rate: Rate,
    pub allowed: bool,
    pub remaining: u32,
    /// If allowed, the time until the whole quota is available; if refused, the time until the next request is allowed.
    pub after: Duration,
}

/// The decision about a request, for the headers of its response; an extension of the request.
#[derive(Clone, Default)]
pub struct Shown(Arc<Mutex<Option<Decision>>>);

pub struct Limiter {
    general: Option<Rate>,
    sign_in: Option<Rate>,
    begin: Instant,
    own: Mutex<Generations>,
    refused: [AtomicU64; POLICIES.len()],
    #[cfg(feature = "redis")]
    shared: Option<shared::Shared>,
}

/// Two generations of keys: when the young one is full, the old one is dropped.
#[derive(Default)]
struct Generations {
    young: HashMap<String, u64>,
    old: HashMap<String, u64>,
}

impl Rate {
    /// Microseconds by which one request moves the moment at which the bucket is empty.
    fn step(self) -> u64 {
        (self.micros() / u64::from(self.quota)).max(1)
    }

    /// As [`Self::step`], for several requests; more than the quota counts as the whole quota.
    fn steps(self, count: u32) -> u64 {
        self.step() * u64::from(count.min(self.quota))
    }

    fn micros(self) -> u64 {
        u64::try_from(self.window.as_micros()).unwrap_or(u64::MAX)
    }

    fn times(self, factor: u32) -> Self {
        Self { quota: self.quota.saturating_mul(factor), ..self }
    }

    fn half(self) -> Self {
        Self { quota: (self.quota / 2).max(1), ..self }
    }

    /// Computed from how far ahead the bucket's moment is: after this request if it was allowed, else before it.
    fn decide(self, policy: &'static str, count: u32, allowed: bool, ahead: u64) -> Decision {
        let left = self.micros().saturating_sub(ahead) / self.step();
        let wait = (ahead + self.steps(count)).saturating_sub(self.micros());
        Decision {
            policy,
            rate: self,
            allowed,
            remaining: if allowed { u32::try_from(left).unwrap_or(u32::MAX) } else { 0 },
            after: Duration::from_micros(if allowed { ahead } else { wait }),
        }
    }
}

impl Limiter {
    /// The address of Redis must be valid; Redis itself need not be reachable.
    pub fn new(settings: &Settings) -> Result<Self> {
        #[cfg(not(feature = "redis"))]
        if let Some(wrong) = settings.redis.as_ref().and_then(|redis| redis.check().err()) {
            return Err(Error::new(Code::BadRequest, format!("{}: {}", wrong.variable, wrong.message)));
        }
        Ok(Self {
            general: settings.general,
            sign_in: settings.sign_in,
            begin: Instant::now(),
            own: Mutex::default(),
            refused: Default::default(),
            #[cfg(feature = "redis")]
            shared: settings.redis.as_ref().map(shared::Shared::new).transpose()?,
        })
    }

    pub fn is_on(&self) -> bool {
        self.general.is_some() || self.sign_in.is_some()
    }

    /// Counts any request by its address. A request with a token is also counted by its actor.
    pub async fn request(&self, address: Option<IpAddr>, has_token: bool) -> Option<Decision> {
        let (policy, rate) = match (self.general?, has_token) {
            (rate, false) => ("anonymous", rate),
            (rate, true) => ("address", rate.times(BEHIND_ONE_ADDRESS)),
        };
        Some(self.take(policy, rate, 1, &network(address)).await)
    }

    /// Counts a request whose token has been checked; an invalid token counts as none.
    pub async fn actor(&self, parts: &Parts, actor: Option<&Actor>) -> Result<()> {
        let Some(rate) = self.general else { return Ok(()) };
        let (policy, key) = match actor.map(|actor| &actor.identity) {
            Some(Identity::User { id, .. } | Identity::Token { id }) => ("actor", id.to_string()),
            Some(Identity::Developer | Identity::System | Identity::Anonymous) => return Ok(()),
            None => ("anonymous", network(address(parts))),
        };
        let decision = self.take(policy, rate, 1, &key).await;
        show(parts, decision)
    }

    /// Counts an operation whose cost exceeds that of one request.
    pub async fn operation(&self, parts: &Parts, actor: &Actor, cost: u64) -> Result<()> {
        match u32::try_from(cost.div_ceil(COST_OF_ONE)).unwrap_or(u32::MAX) {
            0 | 1 => Ok(()),
            count => self.more(parts, actor, count - 1).await,
        }
    }

    /// Counts further requests, besides the HTTP request itself.
    pub async fn more(&self, parts: &Parts, actor: &Actor, count: u32) -> Result<()> {
        let Some(rate) = self.general else { return Ok(()) };
        let by_address = network(address(parts));
        match &actor.identity {
            Identity::Anonymous => show(parts, self.take("anonymous", rate, count, &by_address).await),
            Identity::User { id, .. } | Identity::Token { id } => {
                let of_address = self.take("address", rate.times(BEHIND_ONE_ADDRESS), count, &by_address).await;
                show(parts, of_address)?;
                show(parts, self.take("actor", rate, count, &id.to_string()).await)
            }
            Identity::Developer | Identity::System => Ok(()),
        }
    }

    /// How long a subscription waits before it reads a change of this cost. This is counted apart from requests, at a higher rate.
    pub async fn change(&self, parts: &Parts, actor: &Actor, cost: u64) -> Option<Duration> {
        let key = match &actor.identity {
            Identity::Anonymous => network(address(parts)),
            Identity::User { id, .. } | Identity::Token { id } => id.to_string(),
            Identity::Developer | Identity::System => return None,
        };
        let count = u32::try_from(cost.div_ceil(COST_OF_ONE)).unwrap_or(u32::MAX).max(1);
        let decision = self.decide("change", self.general?.times(CHANGES), count, &key).await;
        (!decision.allowed).then_some(decision.after)
    }

    /// Counts by address, and by the account in question, whether it exists or not: its name, or the secret that
    /// identifies it.
    pub async fn strict(&self, what: Strict, parts: &Parts, account: Option<&str>) -> Result<()> {
        let Some(rate) = self.sign_in else { return Ok(()) };
        let (policy, of_account) = match what {
            Strict::SignIn => ("sign-in", "sign-in-account"),
            Strict::Refresh => ("refresh", "refresh-account"),
            Strict::Reset => ("reset", "reset-account"),
            Strict::Link => ("link", "link-account"),
            Strict::Invitation => ("invitation", "invitation-account"),
            Strict::Password => ("password", "password-account"),
            Strict::Code => ("code", "code-account"),
            Strict::Provider => ("provider", "provider-account"),
            Strict::Return => ("return", "return-account"),
            Strict::Token => ("token", "token-account"),
        };
        let by_address = if matches!(what, Strict::Refresh | Strict::Token) { rate.times(REFRESHES) } else { rate };
        let decision = self.take(policy, by_address, 1, &network(address(parts))).await;
        show(parts, decision)?;
        let Some(account) = account else { return Ok(()) };
        // Hashed, so that a reader of Redis or of a memory dump does not learn who has signed in.
        let name = Sha256::digest(account.trim().to_lowercase().as_bytes());
        let name: String = name.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let decision = self.take(of_account, by_address.half(), 1, &name).await;
        show(parts, decision)
    }

    /// `(policy, number of refused requests)`.
    pub fn refusals(&self) -> impl Iterator<Item = (&'static str, u64)> {
        POLICIES.into_iter().zip(self.refused.iter().map(|count| count.load(Ordering::Relaxed)))
    }

    async fn take(&self, policy: &'static str, rate: Rate, count: u32, key: &str) -> Decision {
        let decision = self.decide(policy, rate, count, key).await;
        if !decision.allowed
            && let Some(place) = POLICIES.iter().position(|known| *known == policy)
        {
            self.refused[place].fetch_add(1, Ordering::Relaxed);
        }
        decision
    }

    async fn decide(&self, policy: &'static str, rate: Rate, count: u32, key: &str) -> Decision {
        let key = format!("typecase:rate:{policy}:{key}");
        #[cfg(feature = "redis")]
        if let Some(shared) = &self.shared
            && let Some((allowed, ahead)) = shared.take(&key, rate, count).await
        {
            return rate.decide(policy, count, allowed, ahead);
        }
        let now = u64::try_from(self.begin.elapsed().as_micros()).unwrap_or(u64::MAX);
        let (allowed, ahead) = self.own.lock().unwrap_or_else(PoisonError::into_inner).take(key, rate, count, now);
        rate.decide(policy, count, allowed, ahead)
    }
}

impl Generations {
    fn take(&mut self, key: String, rate: Rate, count: u32, now: u64) -> (bool, u64) {
        let empty = self.young.get(&key).or_else(|| self.old.get(&key)).copied().unwrap_or(now).max(now);
        let next = empty + rate.steps(count);
        if next - now > rate.micros() {
            return (false, empty - now);
        }
        if self.young.len() >= GENERATION && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, next);
        (true, next - now)
    }
}

impl Shown {
    pub fn set(&self, decision: Decision) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(decision);
    }

    pub fn taken(&self) -> Option<Decision> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

fn show(parts: &Parts, decision: Decision) -> Result<()> {
    let refused = (!decision.allowed).then(|| decision.error());
    if let Some(shown) = parts.extensions.get::<Shown>() {
        shown.set(decision);
    }
    refused.map_or(Ok(()), Err)
}

fn address(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<Peer>().map(|peer| peer.0)
}

fn network(address: Option<IpAddr>) -> String {
    address.map_or_else(|| "unknown".to_owned(), |address| Network::of(address).to_string())
}

impl Decision {
    /// For requests in general, not for those that are limited separately.
    pub fn is_general(&self) -> bool {
        matches!(self.policy, "anonymous" | "actor" | "address")
    }

    pub fn error(&self) -> Error {
        let message = format!("too many requests: try again in {} s", seconds(self.after));
        Error::new(Code::RateLimited, message)
    }

    /// Sets `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10), and `Retry-After` if refused.
    pub fn tell(&self, headers: &mut HeaderMap) {
        let Self { policy, rate, remaining, .. } = self;
        let (quota, window, after) = (rate.quota, rate.window.as_secs(), seconds(self.after));
        let mut tell = |name: HeaderName, value: String| {
            // Names of policies and numbers are ASCII.
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        };
        tell(HeaderName::from_static("ratelimit-policy"), format!("\"{policy}\";q={quota};w={window}"));
        tell(HeaderName::from_static("ratelimit"), format!("\"{policy}\";r={remaining};t={after}"));
        if !self.allowed {
            tell(header::RETRY_AFTER, after.to_string());
        }
    }
}

/// Rounded up, so that a client that waits this long is allowed.
fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

impl FromStr for Rate {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.split_once('/').and_then(|(quota, unit)| {
            let seconds = match unit.trim() {
                "s" => 1,
                "min" => 60,
                "h" => 3600,
                _ => return None,
            };
            let quota = quota.trim().parse().ok().filter(|quota| (1..=1_000_000).contains(quota))?;
            Some(Self { quota, window: Duration::from_secs(seconds) })
        });
        parsed.ok_or("it is not like `600/min`: 1 to 1,000,000 in an `s`, `min` or `h`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000_000;

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    #[test]
    fn a_quota_is_there_at_once_and_comes_back_evenly() {
        let mut keys = Generations::default();
        let rate = rate("6/min");
        let mut take = |now| keys.take("key".into(), rate, 1, now).0;
        assert_eq!((0..8).map(|_| take(0)).collect::<Vec<_>>(), [true, true, true, true, true, true, false, false]);
        assert!(!take(MINUTE / 6 - 1));
        assert!(take(MINUTE / 6) && !take(MINUTE / 6));
        assert!(take(3 * MINUTE) && take(3 * MINUTE), "what is not used is kept, up to the quota");
    }

    #[test]
    fn no_window_holds_more_than_twice_the_quota_and_refusals_cost_nothing() {
        let mut keys = Generations::default();
        let rate = rate("10/s");
        let allowed: Vec<u64> =
            (0..3_000).map(|at| at * 1_000).filter(|now| keys.take("key".into(), rate, 1, *now).0).collect();
        for begin in (0..2_000_000).step_by(10_000) {
            let within = allowed.iter().filter(|at| (begin..begin + 1_000_000).contains(*at)).count();
            assert!((9..=20).contains(&within), "{within} from {begin}");
        }
    }

    #[test]
    fn many_at_once_count_as_many_and_more_than_the_quota_as_all_of_it() {
        let mut keys = Generations::default();
        let rate = rate("6/min");
        let mut take = |count, now| keys.take("key".into(), rate, count, now);
        assert!(take(4, 0).0 && !take(3, 0).0 && take(2, 0).0 && !take(1, 0).0);
        assert!(!take(100, MINUTE - 1).0 && take(100, MINUTE).0 && !take(1, MINUTE).0);
        let refused = rate.decide("general", 3, false, MINUTE / 6 * 5);
        assert_eq!((refused.remaining, refused.after), (0, Duration::from_micros(MINUTE / 6 * 2)));
    }

    #[test]
    fn the_headers_say_what_is_left_and_when_to_come_back() {
        let rate = rate("2/min");
        let mut headers = HeaderMap::new();
        rate.decide("general", 1, true, 30_000_000).tell(&mut headers);
        assert_eq!(headers["ratelimit-policy"], "\"general\";q=2;w=60");
        assert_eq!(headers["ratelimit"], "\"general\";r=1;t=30");
        assert!(!headers.contains_key("retry-after"));
        rate.decide("general", 1, false, 45_000_000).tell(&mut headers);
        assert_eq!(headers["ratelimit"], "\"general\";r=0;t=15");
        assert_eq!(headers["retry-after"], "15");
    }

    #[test]
    fn a_million_keys_take_no_more_memory_than_two_generations() {
        let mut keys = Generations::default();
        let rate = rate("10/min");
        for key in 0..4 * GENERATION {
            keys.take(key.to_string(), rate, 1, 0);
        }
        assert!(keys.young.len() + keys.old.len() <= 2 * GENERATION);
    }

    #[test]
    fn neighbours_in_a_network_of_ipv6_share_a_quota() {
        let of = |text: &str| network(Some(text.parse().unwrap()));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:1.2.3.4"), "1.2.3.4");
    }

    #[test]
    fn rates_are_read_as_they_are_written() {
        assert_eq!(rate("600/min"), Rate { quota: 600, window: Duration::from_secs(60) });
        for wrong in ["", "600", "0/min", "-1/s", "10/day", "2000000/s"] {
            assert!(wrong.parse::<Rate>().is_err(), "{wrong}");
        }
    }
}
