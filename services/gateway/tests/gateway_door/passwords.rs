//! New passwords: who may set whose, and what ends with the old one.

use crate::running::{PASSWORD, Running, Told};
use reqwest::Method;
use serde_json::json;

const SECOND: &str = "a second long one";
const THIRD: &str = "a third long one";

async fn sign_in(running: &Running, email: &str, password: &str) -> Option<String> {
    let body = json!({"email": email, "password": password, "bearer": true});
    let told = running.send(running.call(Method::POST, "/v1/auth/sign-in").json(&body)).await;
    (told.status == 200).then(|| told.json()["token"].as_str().unwrap().to_owned())
}

async fn me(running: &Running, token: &str) -> u16 {
    running.send(running.call(Method::GET, "/v1/me").bearer_auth(token)).await.status.as_u16()
}

async fn change(running: &Running, token: &str, current: &str, new: &str) -> Told {
    let body = json!({"current": current, "new": new});
    running.send(running.call(Method::PUT, "/v1/me/password").bearer_auth(token).json(&body)).await
}

pub async fn a_new_password_ends_what_the_old_one_opened(running: &Running) {
    let body = json!({"email": "forgetful@x.org", "name": "Forgetful", "password": PASSWORD});
    let made = running.send(running.as_admin(Method::POST, "/v1/admin/users").json(&body)).await;
    let user = made.json()["id"].as_str().unwrap().to_owned();
    let here = sign_in(running, "forgetful@x.org", PASSWORD).await.unwrap();
    let there = sign_in(running, "forgetful@x.org", PASSWORD).await.unwrap();

    let wrong = change(running, &here, "not the password", SECOND).await;
    assert_eq!(
        (wrong.status.as_u16(), wrong.json()["code"].as_str()),
        (422, Some("invalid_request")),
        "{}",
        wrong.text
    );
    let short = change(running, &here, PASSWORD, "short").await;
    assert!(short.status == 422 && short.text.contains("10 to 1000"), "{}", short.text);
    assert_eq!((me(running, &here).await, me(running, &there).await), (200, 200), "nothing happened");

    assert_eq!(change(running, &here, PASSWORD, SECOND).await.status, 204);
    assert_eq!(me(running, &here).await, 200, "the session that changed it goes on");
    assert_eq!(me(running, &there).await, 401, "every other one ended");
    assert!(sign_in(running, "forgetful@x.org", PASSWORD).await.is_none());
    assert!(sign_in(running, "forgetful@x.org", SECOND).await.is_some());

    // Somebody forgot theirs: an administrator sets a new one, and nobody else does.
    let path = format!("/v1/admin/users/{user}/password");
    let body = json!({"password": THIRD});
    assert_eq!(running.send(running.as_member(Method::PUT, &path).json(&body)).await.status, 403);
    let stranger = "/v1/admin/users/0190a000-0000-7000-8000-000000000000/password";
    assert_eq!(running.send(running.as_admin(Method::PUT, stranger).json(&body)).await.status, 404);
    assert!(sign_in(running, "forgetful@x.org", SECOND).await.is_some(), "it is the old one still");
    assert_eq!(running.send(running.as_admin(Method::PUT, &path).json(&body)).await.status, 204);
    assert_eq!(me(running, &here).await, 401, "whoever was signed in is not any more");
    assert!(sign_in(running, "forgetful@x.org", SECOND).await.is_none());
    let again = sign_in(running, "forgetful@x.org", THIRD).await.unwrap();
    // Guessing at one's own is limited as signing in is.
    for _ in 0..3 {
        assert_eq!(change(running, &again, "a guess at it", SECOND).await.status, 422);
    }
    let limited = change(running, &again, THIRD, SECOND).await;
    assert_eq!((limited.status.as_u16(), limited.json()["code"].as_str()), (429, Some("rate_limited")));
}
