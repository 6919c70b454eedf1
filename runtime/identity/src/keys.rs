//! The keys that sign access tokens. They are stored in the database, so that all nodes share them. A new key is
//! published before it signs, and an old one verifies until its last token has expired, so rotation signs nobody out.

use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, EncodingKey};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value as Json, json};
use sqlx::Row;
use tokio::sync::Mutex;

use super::access_token::{LEEWAY, LIFETIME};
use super::secret::Sealer;
use super::{now, ring_jwt, secret};
use base::error::{Code, Error, Result};
use store::access::Actor;
use store::audit::{self, Event};
use store::{Connection, Ear, Pool};

/// Seconds for which a new key is published before it signs: twice the time until every node knows it.
const PUBLISHED_BEFORE: i64 = 60;
const CHANNEL: &str = "typecase_keys";
/// A token may name any key, and each unknown one costs a database look-up; at most this many follow each other.
const UNKNOWN: u32 = 10;
const UNKNOWN_AGAIN: Duration = Duration::from_secs(1);
const ALGORITHM: &str = "EdDSA";
/// An arbitrary, fixed number. Nodes that start together create only one first key.
const LOCK: i64 = 0x6b65_7973;

#[derive(Clone)]
pub struct Key {
    pub kid: String,
    pub public: Vec<u8>,
    pub verifying: DecodingKey,
    /// `None` if it is sealed with another secret.
    signing: Option<EncodingKey>,
    /// Seconds since 1970.
    pub signs_from: i64,
    pub signs_until: Option<i64>,
    pub verifies_until: Option<i64>,
}

/// The keys that this process has loaded.
#[derive(Clone)]
pub struct Keys {
    pool: Pool,
    sealer: Sealer,
    known: Arc<RwLock<Vec<Arc<Key>>>>,
    unknown: Arc<Mutex<Allowance>>,
}

/// The remaining look-ups of unknown keys.
struct Allowance {
    left: u32,
    since: Instant,
}

impl Keys {
    pub fn new(pool: Pool, sealer: Sealer) -> Self {
        ring_jwt::install();
        let unknown = Arc::new(Mutex::new(Allowance { left: UNKNOWN, since: Instant::now() }));
        Self { pool, sealer, known: Arc::default(), unknown }
    }

    /// Loads the keys and creates the first one. With `replace` it creates a new one if none can be opened, which is
    /// right in development, where secrets come and go.
    pub async fn start(&self, replace: bool) -> Result<()> {
        self.reload().await?;
        if self.find_signing().is_some() {
            return Ok(());
        }
        let mut transaction = self.pool.begin().await?;
        sqlx::query("select pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *transaction).await?;
        self.reload().await?;
        if self.find_signing().is_none() {
            if !replace && !self.all().is_empty() {
                let message = "no signing key can be opened with TYPECASE_SECRET: set TYPECASE_SECRET_PREVIOUS to the \
                    previous secret, or create a new key with `typecase keys rotate --now`";
                return Err(Error::new(Code::Refused, message));
            }
            self.make(&mut transaction, &Actor::system(), 0).await?;
        }
        transaction.commit().await?;
        self.reload().await
    }

    /// Creates the next signing key. `at_once` is for a key that may be compromised: tokens of the old key verify until
    /// they expire, unless their sessions are ended.
    pub async fn rotate(&self, actor: &Actor, at_once: bool) -> Result<String> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query("select pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *transaction).await?;
        let kid = self.make(&mut transaction, actor, if at_once { 0 } else { PUBLISHED_BEFORE }).await?;
        transaction.commit().await?;
        self.reload().await?;
        Ok(kid)
    }

    async fn make(&self, connection: &mut Connection, actor: &Actor, delay: i64) -> Result<String> {
        let failed = |_| Error::internal("a signing key cannot be created");
        let pair = Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new()).map_err(failed)?;
        let public = Ed25519KeyPair::from_pkcs8(pair.as_ref()).map_err(|error| Error::internal(error.to_string()))?;
        let kid = secret::text(&secret::random::<10>()?);
        let sealed = self.sealer.seal(&about(&kid), pair.as_ref())?;
        // The previous keys sign until the new one does, and verify until their last token has expired.
        let retire = "update cms.signing_key set
            signs_until = least(signs_until, now() + make_interval(secs => $1)),
            verifies_until = least(verifies_until, now() + make_interval(secs => $1 + $2))";
        let overlap = i64::try_from(LIFETIME.as_secs() + 2 * LEEWAY.as_secs()).unwrap_or(i64::MAX);
        sqlx::query(retire).bind(delay as f64).bind(overlap as f64).execute(&mut *connection).await?;
        let insert = "insert into cms.signing_key (kid, algorithm, public, private, signs_from)
            values ($1, $2, $3, $4, now() + make_interval(secs => $5))";
        sqlx::query(insert)
            .bind(&kid)
            .bind(ALGORITHM)
            .bind(public.public_key().as_ref())
            .bind(sealed)
            .bind(delay as f64)
            .execute(&mut *connection)
            .await?;
        let mut event = Event::new("signing_key.create");
        event.table = Some("signing_key");
        event.after = Some(json!({ "kid": kid, "signs_in_seconds": delay }));
        audit::record(connection, actor, event).await?;
        sqlx::query("select pg_notify($1, '')").bind(CHANNEL).execute(&mut *connection).await?;
        Ok(kid)
    }

    /// Reads the keys that may still verify tokens.
    pub async fn reload(&self) -> Result<()> {
        let sql = "select kid, public, private, extract(epoch from signs_from)::bigint as signs_from,
                extract(epoch from signs_until)::bigint as signs_until,
                extract(epoch from verifies_until)::bigint as verifies_until
            from cms.signing_key
            where algorithm = $1 and (verifies_until is null or verifies_until > now()) order by signs_from, kid";
        let rows = sqlx::query(sql).bind(ALGORITHM).fetch_all(&self.pool).await?;
        let keys = rows.iter().map(|row| {
            let kid: String = row.try_get("kid")?;
            let public: Vec<u8> = row.try_get("public")?;
            let opened = self.sealer.open(&about(&kid), &row.try_get::<Vec<u8>, _>("private")?);
            Ok(Arc::new(Key {
                verifying: DecodingKey::from_ed_der(&public),
                signing: opened.map(|pair| EncodingKey::from_ed_der(&pair)),
                signs_from: row.try_get("signs_from")?,
                signs_until: row.try_get("signs_until")?,
                verifies_until: row.try_get("verifies_until")?,
                public,
                kid,
            }))
        });
        let keys = keys.collect::<Result<Vec<_>, sqlx::Error>>()?;
        match self.known.write() {
            Ok(mut known) => *known = keys,
            Err(mut poisoned) => **poisoned.get_mut() = keys,
        }
        Ok(())
    }

    /// All keys that verify, newest last.
    pub fn all(&self) -> Vec<Arc<Key>> {
        match self.known.read() {
            Ok(known) => known.clone(),
            Err(poisoned) => poisoned.into_inner().clone(),
        }
    }

    /// The current signing key with its private part.
    pub fn signing(&self) -> Result<(Arc<Key>, EncodingKey)> {
        let found = self.find_signing();
        found.ok_or_else(|| Error::internal("no key can sign: `typecase keys list` shows all keys"))
    }

    fn find_signing(&self) -> Option<(Arc<Key>, EncodingKey)> {
        let now = now();
        let keys = self.all();
        let signs = |key: &&Arc<Key>| key.signs_from <= now && key.signs_until.is_none_or(|until| now < until);
        let usable = |key: &Arc<Key>| Some((Arc::clone(key), key.signing.clone()?));
        // The newest of several. The database's clock may be ahead of ours: then the first key.
        keys.iter().filter(signs).rev().find_map(usable).or_else(|| keys.iter().find_map(usable))
    }

    /// The key with this id. An unknown one may have just been created by another node.
    pub async fn verifying(&self, kid: &str) -> Result<Option<Arc<Key>>> {
        if let Some(key) = self.find(kid) {
            return Ok(Some(key));
        }
        // While this task waited, another one may have loaded the key.
        let mut allowance = self.unknown.lock().await;
        if let Some(key) = self.find(kid) {
            return Ok(Some(key));
        }
        if allowance.take() {
            self.reload().await?;
        }
        Ok(self.find(kid))
    }

    fn find(&self, kid: &str) -> Option<Arc<Key>> {
        let now = now();
        self.all().into_iter().find(|key| key.kid == kid && key.verifies_until.is_none_or(|until| now < until))
    }

    /// RFC 7517 and 8037; includes keys that are about to sign.
    pub fn jwks(&self) -> Json {
        let now = now();
        let keys = self.all().into_iter().filter(|key| key.verifies_until.is_none_or(|until| now < until));
        let keys = keys.map(|key| {
            let x = URL_SAFE_NO_PAD.encode(&key.public);
            json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": ALGORITHM, "kid": key.kid, "x": x })
        });
        json!({ "keys": keys.collect::<Vec<_>>() })
    }

    /// Keeps the keys up to date while the process runs.
    pub async fn watch(self) {
        let mut ear = Ear::new(self.pool.login(), &[CHANNEL]);
        loop {
            ear.hear().await;
            if let Err(error) = self.reload().await {
                tracing::warn!(%error, "the signing keys could not be read; the previous ones are used");
            }
        }
    }
}

impl Allowance {
    fn take(&mut self) -> bool {
        let gained = self.since.elapsed().as_secs() / UNKNOWN_AGAIN.as_secs();
        if gained > 0 {
            self.left = self.left.saturating_add(u32::try_from(gained).unwrap_or(UNKNOWN)).min(UNKNOWN);
            self.since = Instant::now();
        }
        let is_left = self.left > 0;
        self.left = self.left.saturating_sub(1);
        is_left
    }
}

/// The context with which a private key is sealed.
pub(super) fn about(kid: &str) -> String {
    format!("signing_key:{kid}")
}
