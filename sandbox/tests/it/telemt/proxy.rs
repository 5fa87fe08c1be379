//! The proxy port of a simulated telemt instance, byte by byte.

use std::time::Duration;

use aes::Aes256;
use aes::cipher::KeyIvInit;
use aes::cipher::StreamCipher;
use ctr::Ctr128BE;
use reqwest::Method;
use reqwest::StatusCode;
use ring::hmac;
use serde_json::Value;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::SECRET;
use super::Telemt;
use crate::support::PATIENCE;

/// What a client with [`SECRET`] sends and derives; computed with another program than the sandbox.
const WIRE: &str = "0b121920272e353c434a51585f666d747b828990979ea5acb3bac1c8cfd6dde4ebf2f900070e151c232a31383f464d545b626970777e858caaa5028f87c4b9f5";
const REQ_PQ: &str =
    "a0433aacfe9ba470b9b3e4b538f1323f3e299086d41617551b0e61c770bab1e1bad7323f6b953bac8a6784a3";
const NONCE: &str = "101112131415161718191a1b1c1d1e1f";
const DEC_KEY: &str = "a9412407190ac2ff1ce0a27d38ca0390e6e473bc559c1c0471173877c3157c45";
const DEC_IV: &str = "aca59e979089827b746d665f58514a43";
/// Fake TLS for example.com at this time.
const HELLO_TIME: i64 = 1_700_000_000;
const HELLO_START: &str = "1603010200010001fc0303c964f2283c24e9ac9f2ab0b996d2a3d525efa3ffbbaa8219ea4b8c346b94766420000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f0006130113021303010001ad00000010000e00000b6578616d706c652e636f6d002b0003020304003300260024001d0020090909090909090909090909090909090909090909090909090909090909090900150164";
const HELLO_BYTES: usize = 517;

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<char> = hex.chars().collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap())
        .collect()
}

fn hello() -> Vec<u8> {
    let mut hello = bytes(HELLO_START);
    hello.resize(HELLO_BYTES, 0);
    hello
}

/// Reads until there is a whole frame, and takes its padding for granted.
async fn read_frame(stream: &mut TcpStream) -> Vec<u8> {
    let mut cipher = Ctr128BE::<Aes256>::new_from_slices(&bytes(DEC_KEY), &bytes(DEC_IV)).unwrap();
    let mut read = async |count: usize| {
        let mut part = vec![0; count];
        timeout(PATIENCE, stream.read_exact(&mut part))
            .await
            .expect("an answer in time")
            .unwrap();
        cipher.apply_keystream(&mut part);
        part
    };
    let length = u32::from_le_bytes(read(4).await.try_into().unwrap());
    read(usize::try_from(length).unwrap()).await
}

/// Whether nothing comes for a while, nor the end.
async fn is_silent(stream: &mut TcpStream) -> bool {
    timeout(Duration::from_millis(500), stream.read(&mut [0; 1]))
        .await
        .is_err()
}

fn first_message() -> Vec<u8> {
    [bytes(WIRE), bytes(REQ_PQ)].concat()
}

#[tokio::test]
async fn an_obfuscated_connection_with_the_secret_reaches_a_data_centre() {
    let telemt = Telemt::start(json!({"proxy": true, "ready_after_ms": 0, "users": {"other": "e".repeat(32), "u": SECRET}})).await;
    let mut stream = telemt.connect().await;
    // In pieces, as networks deliver.
    for piece in first_message().chunks(7) {
        stream.write_all(piece).await.unwrap();
        stream.flush().await.unwrap();
    }
    let answer = read_frame(&mut stream).await;
    assert_eq!(answer[..8], [0; 8], "a plain message");
    assert_eq!(answer[20..24], 0x0516_2463_u32.to_le_bytes(), "resPQ");
    assert_eq!(answer[24..40], bytes(NONCE), "our nonce");
    let length = usize::try_from(u32::from_le_bytes(answer[16..20].try_into().unwrap())).unwrap();
    assert!(
        (20 + length..=20 + length + 15).contains(&answer.len()),
        "padding of at most 15 bytes"
    );
    let user = telemt.get("/users/u").await;
    assert_eq!(user["current_connections"], 1);
    assert!(user["total_octets"].as_u64().unwrap() > 100, "{user}");
    assert_eq!(telemt.get("/users/other").await["total_octets"], 0);
    drop(stream);
    telemt
        .sim
        .until("the connection is over", async || {
            telemt.get("/users/u").await["current_connections"] == 0
        })
        .await;
}

#[tokio::test]
async fn whoever_is_not_let_in_meets_silence() {
    let telemt = Telemt::start(json!({"proxy": true, "ready_after_ms": 0, "users": {"keeper": "e".repeat(32), "u": SECRET}})).await;
    let silent = async || {
        let mut stream = telemt.connect().await;
        stream.write_all(&first_message()).await.unwrap();
        is_silent(&mut stream).await
    };
    assert!(!silent().await);
    // A session that is open when its user is disabled is cut.
    let mut open = telemt.connect().await;
    open.write_all(&first_message()).await.unwrap();
    read_frame(&mut open).await;
    telemt.post("/users/u/disable", Value::Null).await;
    assert_eq!(
        timeout(PATIENCE, open.read(&mut [0; 1]))
            .await
            .unwrap()
            .unwrap(),
        0
    );
    assert!(silent().await, "disabled");
    telemt.post("/users/u/enable", Value::Null).await;
    assert!(!silent().await);
    telemt
        .call(
            Method::PATCH,
            "/users/u",
            json!({"expiration_rfc3339": "2020-01-01T00:00:00Z"}),
        )
        .await;
    assert!(silent().await, "expired");
    telemt
        .call(
            Method::PATCH,
            "/users/u",
            json!({"expiration_rfc3339": null, "data_quota_bytes": 1}),
        )
        .await;
    assert!(silent().await, "over its quota");
    telemt
        .call(
            Method::PATCH,
            "/users/u",
            json!({"data_quota_bytes": null, "max_tcp_conns": 0}),
        )
        .await;
    assert!(silent().await, "too many connections");
    telemt
        .call(Method::PATCH, "/users/u", json!({"max_tcp_conns": null}))
        .await;
    assert!(!silent().await);
    telemt.post("/users/u/rotate-secret", Value::Null).await;
    assert!(silent().await, "another secret");
    telemt
        .post("/users/u/rotate-secret", json!({"secret": SECRET}))
        .await;
    assert!(!silent().await);
    telemt.faults(json!({"data_centre": "silent"})).await;
    assert!(silent().await, "the data centre is away");
    telemt.faults(json!({"data_centre": "error"})).await;
    let mut stream = telemt.connect().await;
    stream.write_all(&first_message()).await.unwrap();
    assert_eq!(read_frame(&mut stream).await, (-404_i32).to_le_bytes());
    telemt.faults(json!({"data_centre": "up"})).await;
    telemt.call(Method::DELETE, "/users/u", Value::Null).await;
    assert!(silent().await, "removed");
}

async fn read_record(stream: &mut TcpStream) -> Vec<u8> {
    let mut record = vec![0; 5];
    timeout(PATIENCE, stream.read_exact(&mut record))
        .await
        .expect("a record in time")
        .unwrap();
    let length = usize::from(u16::from_be_bytes([record[3], record[4]]));
    record.resize(5 + length, 0);
    timeout(PATIENCE, stream.read_exact(&mut record[5..]))
        .await
        .expect("a whole record in time")
        .unwrap();
    record
}

/// Says hello, reads the three records, and tells whether they prove the secret.
async fn says_hello(stream: &mut TcpStream, hello: &[u8]) -> bool {
    stream.write_all(hello).await.unwrap();
    let mut reply = Vec::new();
    for kind in [0x16, 0x14, 0x17] {
        let record = read_record(stream).await;
        assert_eq!(record[..3], [kind, 3, 3]);
        reply.extend(record);
    }
    assert_eq!(reply[44..76], hello[44..76], "the session id comes back");
    let random = reply[11..43].to_vec();
    reply[11..43].fill(0);
    let key = hmac::Key::new(hmac::HMAC_SHA256, &bytes(SECRET));
    let proof = hmac::sign(&key, &[&hello[11..43], &reply].concat());
    proof.as_ref() == random
}

#[tokio::test]
async fn fake_tls_proves_the_secret_and_carries_the_obfuscated_stream() {
    let telemt =
        Telemt::start(json!({"proxy": true, "ready_after_ms": 0, "users": {"u": SECRET}})).await;
    telemt.set_clock(HELLO_TIME + 60).await;
    let mut stream = telemt.connect().await;
    assert!(says_hello(&mut stream, &hello()).await);
    let record = |content: &[u8]| {
        [
            &[0x17, 3, 3],
            &u16::try_from(content.len()).unwrap().to_be_bytes()[..],
            content,
        ]
        .concat()
    };
    let first = first_message();
    let sent = [
        vec![0x14, 3, 3, 0, 1, 1],
        record(&first[..30]),
        record(&first[30..]),
    ]
    .concat();
    stream.write_all(&sent).await.unwrap();
    let mut cipher = Ctr128BE::<Aes256>::new_from_slices(&bytes(DEC_KEY), &bytes(DEC_IV)).unwrap();
    let answer = read_record(&mut stream).await;
    assert_eq!(answer[..3], [0x17, 3, 3]);
    let mut answer = answer[5..].to_vec();
    cipher.apply_keystream(&mut answer);
    assert_eq!(answer[4 + 20..4 + 24], 0x0516_2463_u32.to_le_bytes());
    assert_eq!(answer[4 + 24..4 + 40], bytes(NONCE));

    // The same hello again is somebody else's.
    let mut replay = telemt.connect().await;
    assert!(!says_hello(&mut replay, &hello()).await);
    assert!(is_silent(&mut replay).await);
}

#[tokio::test]
async fn a_wrong_hello_is_answered_as_any_site_would() {
    for (what, users, clock, domain) in [
        (
            "another secret",
            json!({"u": "0".repeat(32)}),
            HELLO_TIME,
            "example.com",
        ),
        (
            "a clock off",
            json!({"u": SECRET}),
            HELLO_TIME + 121,
            "example.com",
        ),
        (
            "another domain",
            json!({"u": SECRET}),
            HELLO_TIME,
            "example.net",
        ),
    ] {
        let telemt =
            Telemt::start(json!({"proxy": true, "users": users, "tls_domain": domain})).await;
        // Some real seconds may pass before the hello; the first two cases do not mind them.
        telemt.set_clock(clock).await;
        assert!(
            !says_hello(&mut telemt.connect().await, &hello()).await,
            "{what}"
        );
    }
    let telemt = Telemt::start(json!({"proxy": true, "ready_after_ms": 0, "users": {"keeper": "e".repeat(32), "u": SECRET}})).await;
    telemt.set_clock(HELLO_TIME).await;
    telemt.post("/users/u/disable", Value::Null).await;
    assert!(
        !says_hello(&mut telemt.connect().await, &hello()).await,
        "disabled"
    );
    telemt.post("/users/u/enable", Value::Null).await;
    assert!(
        says_hello(&mut telemt.connect().await, &hello()).await,
        "enabled again"
    );
}

#[tokio::test]
async fn an_instance_that_is_gone_answers_nobody() {
    let telemt = Telemt::start(json!({"proxy": true, "users": {"u": SECRET}})).await;
    let deleted = telemt
        .sim
        .client
        .delete(telemt.sim.url(&telemt.control("")))
        .send()
        .await
        .unwrap();
    assert_eq!(deleted.status(), StatusCode::OK);
    telemt
        .sim
        .until("the proxy is gone", async || {
            TcpStream::connect(telemt.proxy.unwrap()).await.is_err()
        })
        .await;
    assert!(telemt.request(Method::GET, "/health").send().await.is_err());
}
