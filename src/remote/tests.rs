#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use proptest::prelude::*;

#[test]
fn a_servers_text_is_short_one_line_and_without_secrets() {
    let text = tidy("/PREFIX/server\ndoes not exist; PREFIX", &["PREFIX", ""]);
    assert_eq!(text, "/<secret>/server does not exist; <secret>");
    assert_eq!(tidy(&"é".repeat(1_000), &[]).chars().count(), TEXT_MAX_CHARS);
}

#[test]
fn a_broken_percent_sign_is_not_decoded() {
    for wrong in ["%", "%4", "a%zz", "%ff", "%+1"] {
        assert_eq!(percent_decode(wrong), None, "{wrong}");
    }
    assert_eq!(percent_decode("%C3%a9 +").as_deref(), Some("é +"));
}

#[tokio::test]
async fn nothing_was_sent_where_nobody_listens() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = CallTimeouts::default().client().build().unwrap();
    let result = exchange(client.get(format!("http://{address}/SECRET")), 10).await;
    let Err(Failure::NotSent(text)) = result else { panic!("it is sent or lost") };
    assert!(!text.contains("SECRET"), "{text}");
}

proptest! {
    #[test]
    fn percent_encoding_comes_back(text in any::<String>()) {
        let encoded = percent_encode(&text);
        prop_assert!(encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte)));
        prop_assert_eq!(percent_decode(&encoded), Some(text));
    }
}
