//! TOTP: enrolling, signing in with a code, reuse of a code, loss of the authenticator.

use runtime::identity::totp;
use runtime::serde_json::{Value as Json, json};

use crate::client::{Answer, PASSWORD, Site, text};

pub fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_secs()).expect("before the end of time")
}

/// The bytes of an authenticator's secret.
pub fn key(base32: &str) -> Vec<u8> {
    let value = |letter: u8| match letter {
        b'A'..=b'Z' => letter - b'A',
        _ => letter - b'2' + 26,
    };
    let bits: Vec<_> =
        base32.bytes().flat_map(|letter| (0..5).rev().map(move |bit| value(letter) >> bit & 1)).collect();
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |value, bit| value << 1 | bit)).collect()
}

pub async fn forget_last_code(site: &Site) {
    sqlx::query("update cms.totp set last_step = 0").execute(&site.db.pool).await.expect("time passes");
}

/// The authenticator's key, and the response to its first code.
pub async fn set_up(site: &Site, token: &str) -> (Vec<u8>, Answer) {
    let enrolled = site.post("/auth/totp/enrol", Json::Null, Some(token)).await;
    assert_eq!(enrolled.status, 200, "{}", enrolled.body);
    let key = key(text(&enrolled.json()["secret"]));
    let confirmed = site.post("/auth/totp/confirm", json!({ "code": totp::at(&key, now()) }), Some(token)).await;
    (key, confirmed)
}

async fn sign_in(site: &Site, code: Option<&str>) -> (u16, Json) {
    let body = json!({ "email": "ada@shop.example", "password": PASSWORD, "code": code });
    let answer = site.post("/auth/sign-in", body, None).await;
    (answer.status, answer.json())
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_each_code_works_once() {
    let site = Site::new().await;
    site.user("ada@shop.example", "editor").await;
    let tokens = site.sign_in("ada@shop.example").await;
    let other = site.sign_in("ada@shop.example").await;
    let access = text(&tokens["accessToken"]);
    let enrolled = site.post("/auth/totp/enrol", Json::Null, Some(access)).await.json();
    assert!(text(&enrolled["uri"]).starts_with("otpauth://totp/"), "{enrolled}");
    assert_eq!(sign_in(&site, None).await.0, 200, "nothing is asked for before the first code");
    let key = key(text(&enrolled["secret"]));
    let confirm = async |code: &str| site.post("/auth/totp/confirm", json!({ "code": code }), Some(access)).await;
    assert_eq!(confirm("000000x").await.refusal(), (401, "UNAUTHENTICATED".into()));
    let code = totp::at(&key, now());
    let confirmed = confirm(&code).await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.body);
    let codes: Vec<String> =
        confirmed.json()["recoveryCodes"].as_array().expect("codes").iter().map(|code| text(code).to_owned()).collect();
    assert_eq!(codes.len(), 10);
    assert_eq!(site.get("/auth/me", text(&other["accessToken"])).await.status, 401, "begun without it");
    assert_eq!(site.get("/auth/me", access).await.json()["user"]["secondFactor"], true);
    assert_eq!(site.post("/auth/totp/enrol", Json::Null, Some(access)).await.status, 409);

    let (status, answer) = sign_in(&site, None).await;
    assert_eq!((status, &answer["code"]), (401, &json!("SECOND_FACTOR_REQUIRED")));
    assert_eq!(sign_in(&site, Some(&code)).await.0, 401, "it has been used to confirm");
    forget_last_code(&site).await;
    let code = totp::at(&key, now());
    let at_once = futures_util::future::join_all((0..6).map(|_| sign_in(&site, Some(&code)))).await;
    assert_eq!(at_once.iter().filter(|(status, _)| *status == 200).count(), 1, "{at_once:?}");

    sqlx::query("update cms.totp set failures = 0").execute(&site.db.pool).await.expect("time passes");
    let recovery = futures_util::future::join_all((0..6).map(|_| sign_in(&site, Some(&codes[0])))).await;
    assert_eq!(recovery.iter().filter(|(status, _)| *status == 200).count(), 1);
    assert_eq!(sign_in(&site, Some(&codes[1].to_uppercase())).await.0, 200);

    let disable = async |password: &str, code: &str| {
        site.post("/auth/totp/disable", json!({ "password": password, "code": code }), Some(access)).await.status
    };
    assert_eq!((disable("wrong", &codes[2]).await, disable(PASSWORD, "123").await), (400, 401));
    assert_eq!(disable(PASSWORD, &codes[2]).await, 204);
    assert_eq!(sign_in(&site, None).await.0, 200);
    site.stop().await;
}

#[tokio::test]
async fn codes_are_not_to_be_guessed() {
    let site = Site::new().await;
    site.user("ada@shop.example", "editor").await;
    let tokens = site.sign_in("ada@shop.example").await;
    let access = text(&tokens["accessToken"]);
    let enrolled = site.post("/auth/totp/enrol", Json::Null, Some(access)).await.json();
    let key = key(text(&enrolled["secret"]));
    let code = totp::at(&key, now());
    let confirmed = site.post("/auth/totp/confirm", json!({ "code": code }), Some(access)).await.json();
    forget_last_code(&site).await;
    // A code of no step that could be current when it is sent.
    let steps: Vec<_> = (-2..20).map(|step| totp::at(&key, now() + 30 * step)).collect();
    let wrong = (0..).map(|code| format!("{code:06}")).find(|code| !steps.contains(code)).expect("a wrong code");
    let wrong = wrong.as_str();
    for _ in 0..5 {
        let (status, answer) = sign_in(&site, Some(wrong)).await;
        assert_eq!((status, &answer["code"]), (401, &json!("UNAUTHENTICATED")));
    }
    let (status, answer) = sign_in(&site, Some(&totp::at(&key, now()))).await;
    assert_eq!((status, &answer["code"]), (429, &json!("RATE_LIMITED")), "even the right one waits");
    assert_eq!(sign_in(&site, Some(text(&confirmed["recoveryCodes"][0]))).await.0, 200, "recovery codes do not");
    let passes = async |interval: &'static str| {
        let sql = "update cms.totp set failed_at = now() - $1::text::interval";
        sqlx::query(sql).bind(interval).execute(&site.db.pool).await.expect("time passes");
    };
    passes("61 seconds").await;
    assert_eq!(sign_in(&site, Some(wrong)).await.0, 401, "looked at");
    passes("61 seconds").await;
    assert_eq!(sign_in(&site, Some(&totp::at(&key, now()))).await.0, 429, "each further one costs twice the time");
    passes("121 seconds").await;
    assert_eq!(sign_in(&site, Some(&totp::at(&key, now()))).await.0, 200);
    forget_last_code(&site).await;
    assert_eq!(sign_in(&site, Some(wrong)).await.0, 401, "and the right one takes all of it back");
    assert_eq!(sign_in(&site, Some(&totp::at(&key, now()))).await.0, 200);
    sqlx::query("update cms.totp set failures = 1000000").execute(&site.db.pool).await.expect("many");
    passes("25 hours").await;
    forget_last_code(&site).await;
    assert_eq!(sign_in(&site, Some(&totp::at(&key, now()))).await.0, 200, "a day at most");
    site.stop().await;
}
