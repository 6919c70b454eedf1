//! Passwords: the rules for new ones (NIST SP 800-63B, OWASP ASVS 6.2), and argon2id on a few dedicated threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use argon2::password_hash::PasswordHasher;
use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;
use zxcvbn::Score;

use super::secret;
use base::error::{Code, Error, Problem, Result};

/// Characters.
pub const SHORTEST: usize = 12;
/// Bytes.
pub const LONGEST: usize = 1024;
/// A score of zxcvbn, from 0 to 4: about 10^8 guesses or more.
const WEAKEST: Score = Score::Three;
/// Shorter parts of an email address or a name count as ordinary words.
const TELLING: usize = 4;

/// The parameters of argon2id: memory in KiB, passes and lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    pub memory: u32,
    pub passes: u32,
    pub lanes: u32,
}

impl Cost {
    /// The first choice of OWASP's Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
    pub const OWASP: Self = Self { memory: 19 * 1024, passes: 2, lanes: 1 };
    /// For tests, which are not about the cost.
    #[cfg(feature = "testing")]
    pub const TRIFLING: Self = Self { memory: 8, passes: 1, lanes: 1 };
}

/// The most checks that wait for a thread, a second and a half of work for each core; beyond this number clients are
/// told to retry.
const WAITING: usize = 256;
const PATIENCE: Duration = Duration::from_secs(15);

/// Computes and checks hashes outside the threads that serve requests.
#[derive(Clone, Debug)]
pub struct Hasher {
    cost: Cost,
    /// One core is left to the rest of the server.
    places: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    /// Checked in place of the hash of an account that does not exist.
    dummy: Arc<str>,
}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    pub is_right: bool,
    /// The hash was made with other parameters than the current ones.
    pub is_outdated: bool,
}

impl Hasher {
    pub fn new(cost: Cost) -> Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let dummy = hashed(&secret::token()?, cost)?.into();
        let places = Arc::new(Semaphore::new((cores - 1).max(1)));
        Ok(Self { cost, places, waiting: Arc::default(), dummy })
    }

    pub async fn hash(&self, password: &str) -> Result<String> {
        let (password, cost) = (password.to_owned(), self.cost);
        self.run(move || hashed(&password, cost)).await?
    }

    /// Takes the same time without a hash as with one.
    pub async fn check(&self, password: &str, hash: Option<&str>) -> Result<Checked> {
        let is_account = hash.is_some();
        let hash = hash.unwrap_or(&self.dummy).to_owned();
        let (password, cost) = (password.to_owned(), self.cost);
        let checked = self.run(move || checked(&password, &hash, cost)).await?;
        Ok(Checked { is_right: checked.is_right && is_account, ..checked })
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let _waiting = Waiting::begin(&self.waiting)?;
        let place = tokio::time::timeout(PATIENCE, Arc::clone(&self.places).acquire_owned()).await;
        let place = place.map_err(|_| busy())?.map_err(Error::internal)?;
        let work = move || {
            let done = work();
            drop(place);
            done
        };
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)
    }
}

/// Counts waiting checks, including those whose client has gone.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize) -> Result<Self> {
        let before = count.fetch_add(1, Ordering::Relaxed);
        let waiting = Self(count);
        if before < WAITING { Ok(waiting) } else { Err(busy()) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn busy() -> Error {
    Error::new(Code::Unavailable, "too many sign-ins at once: try again in a few seconds")
}

fn argon2(cost: Cost) -> Result<Argon2<'static>> {
    let params = Params::new(cost.memory, cost.passes, cost.lanes, None).map_err(Error::internal)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hashed(password: &str, cost: Cost) -> Result<String> {
    let salt: [u8; 16] = secret::random()?;
    let hash = argon2(cost)?.hash_password_with_salt(password.as_bytes(), &salt).map_err(Error::internal)?;
    Ok(hash.to_string())
}

fn checked(password: &str, hash: &str, cost: Cost) -> Checked {
    let wrong = Checked { is_right: false, is_outdated: false };
    // A password that cannot have been set costs no more than a wrong one.
    let (Ok(hash), true) = (PasswordHash::new(hash), password.len() <= LONGEST) else { return wrong };
    let is_right = Argon2::default().verify_password(password.as_bytes(), &hash).is_ok();
    let used = Params::try_from(&hash);
    let is_current = used.is_ok_and(|used| {
        let used = Cost { memory: used.m_cost(), passes: used.t_cost(), lanes: used.p_cost() };
        hash.algorithm.as_str() == "argon2id" && used == cost
    });
    Checked { is_right, is_outdated: !is_current }
}

/// Whether a password is acceptable: long enough and hard to guess, with any characters.
pub fn policy(password: &str, email: &str, name: &str) -> Result<()> {
    let refused = |message: String| Err(Problem::new(Code::InvalidValue, message).at(["password".into()]).into());
    if password.chars().count() < SHORTEST {
        return refused(format!("the password must have at least {SHORTEST} characters"));
    }
    if password.len() > LONGEST {
        return refused(format!("the password must have at most {LONGEST} bytes"));
    }
    let parts: Vec<_> = parts(email).chain(parts(name)).collect();
    let lower = password.to_lowercase();
    if parts.iter().any(|part| lower.contains(part.as_str())) {
        return refused("the password must not contain parts of the email address or the name".to_owned());
    }
    let inputs: Vec<_> = parts.iter().map(String::as_str).chain(["typecase"]).collect();
    let strength = zxcvbn::zxcvbn(password, &inputs);
    if strength.score() < WEAKEST {
        let advice = strength.feedback().and_then(|feedback| feedback.warning()).map(|warning| format!(": {warning}"));
        return refused(format!("the password is too easy to guess{}", advice.unwrap_or_default()));
    }
    Ok(())
}

fn parts(text: &str) -> impl Iterator<Item = String> + '_ {
    let parts = text.split(|char: char| !char.is_alphanumeric());
    parts.filter(|part| part.chars().count() >= TELLING).map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_passwords_are_refused_and_long_phrases_taken() {
        let check = |password: &str| policy(password, "mira.holt@kilnstreet.example", "Mira Holt");
        for bad in [
            "short",
            "password1234",
            "123456789012",
            "qwertyuiopas",
            "aaaaaaaaaaaaaaaa",
            "the-mira-7Kx.2pQz",
            "xkq81.KilnStreet!",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
        check(&"x".repeat(LONGEST + 1)).expect_err("too long");
        for good in ["velvet anchor drifting sundial", "ünïcode ist auch ein schlüssel", "8Gw!zq0bTr#n"] {
            check(good).unwrap_or_else(|error| panic!("{good}: {error}"));
        }
        let long = "a page of ink, ".repeat(68);
        check(&format!("{long}9f!Q")).expect("long passphrases are welcome");
    }

    #[tokio::test]
    async fn a_hash_of_another_cost_is_outdated() {
        let hash = hashed("velvet anchor", Cost { memory: 16, passes: 1, lanes: 1 }).unwrap();
        let hasher = Hasher::new(Cost { memory: 8, passes: 1, lanes: 1 }).unwrap();
        let checked = hasher.check("velvet anchor", Some(&hash)).await.unwrap();
        assert_eq!(checked, Checked { is_right: true, is_outdated: true });
        let current = hasher.hash("velvet anchor").await.unwrap();
        let checked = hasher.check("velvet anchor", Some(&current)).await.unwrap();
        assert_eq!(checked, Checked { is_right: true, is_outdated: false });
        assert!(!hasher.check("velvet", Some(&current)).await.unwrap().is_right);
        assert!(!hasher.check("velvet anchor", None).await.unwrap().is_right);
    }

    #[tokio::test]
    async fn a_queue_that_is_too_long_is_refused_at_once() {
        let hasher = Hasher::new(Cost { memory: 8, passes: 1, lanes: 1 }).unwrap();
        hasher.waiting.store(WAITING, Ordering::Relaxed);
        let error = hasher.hash("velvet anchor").await.unwrap_err();
        assert_eq!(error.problems[0].code, Code::Unavailable);
        assert_eq!(hasher.waiting.load(Ordering::Relaxed), WAITING);
    }
}
