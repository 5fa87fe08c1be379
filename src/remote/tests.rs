#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use proptest::prelude::*;
use std::io::{Read as _, Write as _};
use std::process::Command;

/// Says that this process has a proxy in its environment.
const PROXIED: &str = "USIPIPO_TEST_PROXIED";

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

/// Variables are a whole process's, so the test runs once more in one of its own.
#[test]
fn no_proxy_of_the_environment_sees_a_servers_secrets() {
    let name = "no_proxy_of_the_environment_sees_a_servers_secrets";
    if std::env::var_os(PROXIED).is_none() {
        let path = module_path!().split_once("::").unwrap().1;
        let mut again = Command::new(std::env::current_exe().unwrap());
        again
            .args(["--exact", &format!("{path}::{name}")])
            .env(PROXIED, "1")
            .env_remove("NO_PROXY")
            .env_remove("no_proxy");
        for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
            // Nobody listens there.
            again.env(variable, "http://127.0.0.1:1");
        }
        let output = again.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/SECRET", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        assert!(stream.read(&mut [0; 1_024]).unwrap() > 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").unwrap();
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = CallTimeouts::default().client().build().unwrap();
    match runtime.block_on(exchange(client.get(url), 10)) {
        Ok(answer) => assert_eq!(*answer.body, b"ok"),
        Err(error) => panic!("{error:?}"),
    }
}

proptest! {
    #[test]
    fn percent_encoding_comes_back(text in any::<String>()) {
        let encoded = percent_encode(&text);
        prop_assert!(encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte)));
        prop_assert_eq!(percent_decode(&encoded), Some(text));
    }
}
