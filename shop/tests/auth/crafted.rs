//! Forged and outdated access tokens: each is refused, by REST and by GraphQL, and never treated as an anonymous request.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair};
use runtime::id;
use runtime::identity::secret::{Sealer, Secret};
use runtime::serde_json::{Value as Json, json};

use crate::client::{PUBLIC_URL, SECRET, Site, text};

/// Creates tokens with the site's own key, taken from its database with its secret.
struct Forge {
    kid: String,
    pair: Ed25519KeyPair,
    claims: Json,
    now: i64,
}

impl Forge {
    async fn of(site: &Site, user: uuid::Uuid, session: &str) -> Self {
        let (kid, sealed): (String, Vec<u8>) =
            sqlx::query_as("select kid, private from cms.signing_key").fetch_one(&site.db.pool).await.expect("a key");
        let sealer = Sealer::new(Secret::parse(SECRET).expect("a secret"), None);
        let private = sealer.open(&format!("signing_key:{kid}"), &sealed).expect("it opens");
        let pair = Ed25519KeyPair::from_pkcs8(&private).expect("a key");
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        let now = i64::try_from(since.as_secs()).expect("before the end of time");
        let claims = json!({
            "iss": PUBLIC_URL, "aud": PUBLIC_URL, "sub": id::encode("user", user), "sid": session,
            "exp": now + 900, "nbf": now, "iat": now, "jti": "x",
        });
        Self { kid, pair, claims, now }
    }

    fn header(&self) -> Json {
        json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": self.kid })
    }

    fn signed(&self, header: &Json, claims: &Json) -> String {
        let message = message(header, claims);
        let signature = BASE64.encode(self.pair.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }

    fn with(&self, place: &str, value: Json) -> String {
        let (mut header, mut claims) = (self.header(), self.claims.clone());
        let (part, key) = place.split_once('.').expect("header.typ");
        let part = if part == "header" { &mut header } else { &mut claims };
        match value {
            Json::Null => drop(part.as_object_mut().expect("an object").remove(key)),
            value => part[key] = value,
        }
        self.signed(&header, &claims)
    }
}

fn message(header: &Json, claims: &Json) -> String {
    format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()))
}

#[tokio::test]
async fn only_tokens_of_the_site_are_taken() {
    let site = Site::new().await;
    let user = site.user("ada@shop.example", "admin").await;
    let tokens = site.sign_in("ada@shop.example").await;
    let forge = Forge::of(&site, user.id, text(&tokens["session"])).await;
    let header = forge.header();
    let good = forge.signed(&header, &forge.claims);
    assert_eq!(site.get("/auth/me", &good).await.status, 200, "the forge works");

    let public = forge.pair.public_key().as_ref().to_vec();
    let hs = |key: &[u8]| {
        let message = message(&json!({ "alg": "HS256", "typ": "at+jwt", "kid": forge.kid }), &forge.claims);
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        format!("{message}.{}", BASE64.encode(hmac::sign(&key, message.as_bytes())))
    };
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": BASE64.encode(&public), "kid": forge.kid });
    let foreign = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a key");
    let foreign = Forge { kid: forge.kid.clone(), pair: foreign, claims: forge.claims.clone(), now: forge.now };
    let (head, rest) = good.split_once('.').expect("three parts");
    let (payload, signature) = rest.split_once('.').expect("three parts");
    let mut admin = forge.claims.clone();
    admin["sub"] = json!(id::encode("user", id::new_uuid()));
    let now = forge.now;
    let cases = [
        ("none", format!("{}.", message(&json!({ "alg": "none", "typ": "at+jwt", "kid": forge.kid }), &forge.claims))),
        ("None, signed", forge.with("header.alg", json!("None"))),
        ("no signature", format!("{head}.{payload}.")),
        ("HS256 with the public key", hs(&public)),
        ("HS256 with its text", hs(BASE64.encode(&public).as_bytes())),
        ("HS256 with its JWK", hs(jwk.to_string().as_bytes())),
        ("another algorithm", forge.with("header.alg", json!("ES256"))),
        ("expired", forge.with("claims.exp", json!(now - 6))),
        ("without an end", forge.with("claims.exp", Json::Null)),
        ("not yet valid", forge.with("claims.nbf", json!(now + 60))),
        ("without a beginning", forge.with("claims.nbf", Json::Null)),
        ("another audience", forge.with("claims.aud", json!("https://other.example"))),
        ("no audience", forge.with("claims.aud", Json::Null)),
        ("another issuer", forge.with("claims.iss", json!("https://shop.example.evil"))),
        ("no issuer", forge.with("claims.iss", Json::Null)),
        ("another user", forge.signed(&header, &admin)),
        ("another kind of user", forge.with("claims.sub", json!(id::encode("product", user.id)))),
        ("another session", forge.with("claims.sid", json!(id::encode("session", id::new_uuid())))),
        ("no session", forge.with("claims.sid", Json::Null)),
        ("another type", forge.with("header.typ", json!("JWT"))),
        ("no type", forge.with("header.typ", Json::Null)),
        ("an unknown key", forge.with("header.kid", json!("nobody"))),
        ("no key", forge.with("header.kid", Json::Null)),
        ("a path for a key", forge.with("header.kid", json!("../../etc/passwd' or 1=1 --"))),
        ("a key of its own", forge.with("header.jwk", jwk.clone())),
        ("the address of a key", forge.with("header.jku", json!("https://evil.example/jwks.json"))),
        ("the address of a certificate", forge.with("header.x5u", json!("https://evil.example/cert"))),
        ("something critical", forge.with("header.crit", json!(["exp"]))),
        ("a foreign key", foreign.signed(&header, &foreign.claims)),
        ("another payload", format!("{head}.{}.{signature}", BASE64.encode(admin.to_string()))),
        (
            "another header",
            format!(
                "{}.{payload}.{signature}",
                BASE64.encode(json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": forge.kid, "a": 1 }).to_string())
            ),
        ),
        ("a shortened signature", good[..good.len() - 4].to_owned()),
        ("a fourth part", format!("{good}.x")),
        ("padding", format!("{good}=")),
        ("a long one", format!("{good}{}", "a".repeat(8000))),
        ("dots", "..".to_owned()),
        ("a refresh token", text(&tokens["refreshToken"]).to_owned()),
    ];
    for (what, token) in cases {
        assert_eq!(site.get("/auth/me", &token).await.refusal(), (401, "UNAUTHENTICATED".into()), "{what}");
        let public = site.post("/graphql", json!({ "query": "{ __typename }" }), Some(&token)).await;
        assert_eq!((public.status, public.header("www-authenticate")), (401, Some("Bearer")), "{what}");
    }
    assert_eq!(site.get("/auth/me", &forge.with("claims.exp", json!(now + 60))).await.status, 200, "still well");
    site.stop().await;
}

#[tokio::test]
async fn the_keys_are_published_without_their_private_parts() {
    let site = Site::new().await;
    let answer = site.send("GET", "/.well-known/jwks.json", &[], Json::Null).await;
    assert_eq!(answer.header("cache-control"), Some("public, max-age=30"));
    let keys = answer.json();
    let key = &keys["keys"][0];
    assert_eq!(
        (&key["kty"], &key["crv"], &key["alg"], &key["use"]),
        (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA"), &json!("sig"))
    );
    assert!(key["d"].is_null() && BASE64.decode(text(&key["x"])).is_ok_and(|x| x.len() == 32), "{key}");
    site.stop().await;
}
