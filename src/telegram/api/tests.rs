use super::*;
use axum::Router;
use axum::http::StatusCode as Status;

const TOKEN: &str = "12345:SECRET-of_the_bot";

fn api(url: &str) -> Api {
    Api::new(&SecretString::from(TOKEN), url).unwrap()
}

/// A server that gives every request this answer.
async fn answering(status: u16, body: &'static [u8]) -> String {
    let app = Router::new().fallback(move || async move { (Status::from_u16(status).unwrap(), body) });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

#[tokio::test]
async fn fault_28_the_token_is_in_no_error_and_no_debug_text() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let api = api(&closed);
    let error = api.get_me().await.unwrap_err();
    assert!(matches!(error, ApiError::Unavailable(_)));
    for text in [format!("{error}"), format!("{error:?}"), format!("{api:?}")] {
        assert!(!text.contains("SECRET"), "{text}");
    }
}

#[tokio::test]
async fn fault_15_telegrams_answers_are_told_apart() {
    type Case = (u16, &'static [u8], fn(&ApiError) -> bool);
    let refused: &[Case] = &[
        (429, br#"{"ok":false,"error_code":429,"description":"x","parameters":{"retry_after":3}}"#, |error| {
            *error == ApiError::RetryAfter(Duration::from_secs(3))
        }),
        (429, b"slow down", |error| matches!(error, ApiError::RetryAfter(_))),
        (500, br#"{"ok":false,"error_code":500,"description":"Internal"}"#, |error| {
            matches!(error, ApiError::Unavailable(_))
        }),
        (502, b"<html>Bad Gateway</html>", |error| matches!(error, ApiError::Unavailable(_))),
        (403, br#"{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked by the user"}"#, |error| {
            matches!(error, ApiError::Forbidden(_))
        }),
        (401, br#"{"ok":false,"error_code":401,"description":"Unauthorized"}"#, |error| {
            matches!(error, ApiError::Unauthorized(_))
        }),
        (409, br#"{"ok":false,"error_code":409,"description":"Conflict"}"#, |error| {
            matches!(error, ApiError::Conflict(_))
        }),
        (400, br#"{"ok":false,"error_code":400,"description":"Bad Request"}"#, |error| {
            matches!(error, ApiError::Refused(_))
        }),
        (200, b"{\"ok\":tr", |error| matches!(error, ApiError::Unreadable(_))),
    ];
    for (status, body, fits) in refused {
        let url = answering(*status, body).await;
        let error = api(&url).call::<bool>(Method::SendMessage, &serde_json::json!({})).await.unwrap_err();
        assert!(fits(&error), "{status} {body:?} became {error:?}");
    }
}

#[tokio::test]
async fn an_answer_of_a_later_bot_api_counts_as_taken() {
    let url = answering(200, br#"{"ok":true,"result":{"something":"new"},"more":1}"#).await;
    assert_eq!(api(&url).call::<bool>(Method::SendMessage, &serde_json::json!({})).await, Ok(None));
}

#[test]
fn a_token_that_is_none_is_refused_at_once() {
    for wrong in ["", "12345", ":x", "a:b", "1:b/c", "1:b c"] {
        assert!(Api::new(&SecretString::from(wrong), "https://api.telegram.org").is_err(), "{wrong}");
    }
    assert!(Api::new(&SecretString::from(TOKEN), "ftp://x").is_err());
}
