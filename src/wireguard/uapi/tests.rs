#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use proptest::prelude::*;
use std::time::Duration;
use tokio::net::UnixListener;
use usipipo_actors::domain::wg::{PeerSpec, PresharedKey, PublicKey};

/// Listens like a device, keeps each request and gives the answers in turn.
fn fake(answers: Vec<Vec<u8>>) -> (tempfile::TempDir, Uapi, tokio::task::JoinHandle<Vec<String>>) {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("wg0.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let device = tokio::spawn(async move {
        let mut requests = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\n\n") {
                if stream.read_buf(&mut request).await.unwrap() == 0 {
                    break;
                }
            }
            requests.push(String::from_utf8(request).unwrap());
            // A client that has seen enough hangs up.
            let _ = stream.write_all(&answer).await;
        }
        requests
    });
    (directory, Uapi::new(socket), device)
}

fn peer_block(byte: u8) -> String {
    format!(
        "public_key={}\npreshared_key={}\nendpoint=[2001:db8::{byte:x}]:1000\nallowed_ip=10.0.0.{byte}/32\n\
         allowed_ip=fd00::{byte:x}/128\nlast_handshake_time_sec=1780000000\nlast_handshake_time_nsec=500000000\n\
         rx_bytes={byte}\ntx_bytes=18446744073709551615\nprotocol_version=1\n",
        PublicKey::from_bytes([byte; 32]).to_hex(),
        "00".repeat(32),
    )
}

fn answer(peers: impl IntoIterator<Item = u8>) -> Vec<u8> {
    let mut text = format!("private_key={}\nlisten_port=51820\n", PrivateKey::from_random([9; 32]).expose_hex());
    peers.into_iter().for_each(|byte| text.push_str(&peer_block(byte)));
    text.push_str("errno=0\n\n");
    text.into_bytes()
}

#[tokio::test]
async fn peers_are_read_with_everything_we_need() {
    let (_directory, uapi, device) = fake(vec![answer(1..=3)]);
    let peers = uapi.peers().await.unwrap();
    assert_eq!(device.await.unwrap(), ["get=1\n\n"]);
    assert_eq!(peers.len(), 3);
    let second = &peers[1];
    assert_eq!(second.public_key, PublicKey::from_bytes([2; 32]));
    assert_eq!(second.allowed_ips, ["10.0.0.2/32".parse().unwrap(), "fd00::2/128".parse().unwrap()]);
    assert_eq!(second.endpoint, Some("[2001:db8::2]:1000".parse().unwrap()));
    assert_eq!(second.last_handshake.unwrap().timestamp_millis(), 1_780_000_000_500);
    assert_eq!((second.rx_bytes, second.tx_bytes), (2, u64::MAX));
}

#[tokio::test]
async fn the_devices_own_settings_are_read_without_its_peers() {
    let (_directory, uapi, _device) = fake(vec![answer(1..=200), b"listen_port=4711\nerrno=0\n\n".to_vec()]);
    let device = uapi.device().await.unwrap();
    assert_eq!(device.private_key, Some(PrivateKey::from_random([9; 32])));
    assert_eq!(device.listen_port, Some(51820));
    let fresh = uapi.device().await.unwrap();
    assert_eq!((fresh.private_key, fresh.listen_port), (None, Some(4711)));
}

#[tokio::test]
async fn a_change_is_one_request_that_says_everything_for_each_peer() {
    let (_directory, uapi, device) = fake(vec![b"errno=0\n\n".to_vec()]);
    let with_psk = PeerSpec {
        public_key: PublicKey::from_bytes([1; 32]),
        preshared_key: Some(PresharedKey::from_random([0xab; 32])),
        allowed_ips: vec!["10.0.0.1/32".parse().unwrap(), "fd00::1/128".parse().unwrap()],
    };
    let without = PeerSpec { public_key: PublicKey::from_bytes([2; 32]), preshared_key: None, allowed_ips: Vec::new() };
    let mut request = Request::new();
    request.private_key(&PrivateKey::from_random([9; 32]));
    request.listen_port(51820);
    request.put_peer(&with_psk);
    request.put_peer(&without);
    request.remove_peer(&PublicKey::from_bytes([3; 32]));
    uapi.set(request).await.unwrap();
    let [one, two, three] = [1, 2, 3].map(|byte| PublicKey::from_bytes([byte; 32]).to_hex());
    let expected = format!(
        "set=1\nprivate_key={}\nlisten_port=51820\n\
         public_key={one}\nremove=true\npublic_key={one}\nremove=false\npreshared_key={}\nallowed_ip=10.0.0.1/32\nallowed_ip=fd00::1/128\n\
         public_key={two}\nremove=true\npublic_key={two}\nremove=false\npreshared_key={}\n\
         public_key={three}\nremove=true\n\n",
        PrivateKey::from_random([9; 32]).expose_hex(),
        "ab".repeat(32),
        "00".repeat(32),
    );
    assert_eq!(device.await.unwrap(), [expected]);
}

#[tokio::test]
async fn a_refusal_carries_the_systems_error() {
    let (_directory, uapi, _device) = fake(vec![b"errno=98\n\n".to_vec()]);
    let error = uapi.set(Request::new()).await.unwrap_err();
    assert!(matches!(error, UapiError::Refused(98)), "{error}");
    assert!(error.to_string().contains("in use"), "{error}");
}

#[tokio::test]
async fn a_device_that_is_not_there_is_absent_whether_its_socket_was_left_behind_or_not() {
    let directory = tempfile::tempdir().unwrap();
    let uapi = Uapi::new(directory.path().join("wg0.sock"));
    assert!(matches!(uapi.device().await, Err(UapiError::Absent(_))));
    drop(UnixListener::bind(directory.path().join("wg0.sock")).unwrap());
    assert!(matches!(uapi.device().await, Err(UapiError::Absent(_))));
}

#[tokio::test]
async fn answers_that_are_not_the_protocol_are_errors() {
    let mut endless = b"private_key=".to_vec();
    endless.resize(4096, b'0');
    let bad: Vec<&[u8]> = vec![
        b"",
        b"\n",
        b"\xff\xfe\n",
        b"no equals sign\n",
        b"private_key=00\nerrno=0\n\n",
        b"listen_port=65536\nerrno=0\n\n",
        b"errno=zero\n\n",
        b"listen_port=1\n",
        &endless,
    ];
    for bytes in bad {
        let (_directory, uapi, _device) = fake(vec![bytes.to_vec()]);
        let error = uapi.peers().await.unwrap_err();
        assert!(matches!(error, UapiError::Malformed(_)), "{error} for {:?}", String::from_utf8_lossy(bytes));
    }
}

#[tokio::test]
async fn a_device_that_says_nothing_is_given_up() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("wg0.sock");
    let _listener = UnixListener::bind(&socket).unwrap();
    let within = Duration::from_millis(50);
    let error = Uapi::new(socket).exchange("get=1\n\n", Parser::of_peers(), within).await.err().unwrap();
    assert!(matches!(error, UapiError::TimedOut(_)), "{error}");
}

/// How long ago a handshake was, as other implementations print it, is no time of day.
#[test]
fn an_elapsed_time_is_not_taken_for_a_date() {
    let text = format!("public_key={}\nlast_handshake_time_sec=12\nerrno=0\n", "01".repeat(32));
    let mut parser = Parser::of_peers();
    assert!(parser.feed(text.as_bytes()).unwrap());
    assert_eq!(parser.into_parts().1[0].last_handshake, None);
}

/// Lines that look like the protocol get further into the parser than random bytes.
fn nearly_a_line() -> impl Strategy<Value = Vec<u8>> {
    let key = prop::sample::select(vec![
        "public_key",
        "private_key",
        "preshared_key",
        "listen_port",
        "endpoint",
        "allowed_ip",
        "rx_bytes",
        "tx_bytes",
        "last_handshake_time_sec",
        "last_handshake_time_nsec",
        "errno",
        "own_public_key",
        "",
    ]);
    let value = prop_oneof![
        Just("00".repeat(32)),
        any::<i64>().prop_map(|number| number.to_string()),
        Just("10.0.0.1/33".to_owned()),
        Just("fd00::1/128".to_owned()),
        Just("0".to_owned()),
        ".{0,80}",
    ];
    prop_oneof![
        4 => (key, value).prop_map(|(key, value)| format!("{key}={value}\n").into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..100),
    ]
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(lines in prop::collection::vec(nearly_a_line(), 0..20), cut in 1..50_usize) {
        let bytes = lines.concat();
        for mut parser in [Parser::of_peers(), Parser::of_device(), Parser::of_answer()] {
            for piece in bytes.chunks(cut) {
                if parser.feed(piece).unwrap_or(true) {
                    break;
                }
            }
        }
    }

    #[test]
    fn it_does_not_matter_how_the_socket_cuts_an_answer(peers in prop::collection::vec(1..=255_u8, 0..8), cut in 1..200_usize) {
        let bytes = answer(peers);
        let mut whole = Parser::of_peers();
        prop_assert!(whole.feed(&bytes).unwrap());
        let mut pieces = Parser::of_peers();
        let mut done = false;
        for piece in bytes.chunks(cut) {
            done |= !done && pieces.feed(piece).unwrap();
        }
        prop_assert!(done);
        prop_assert_eq!(whole.into_parts().1, pieces.into_parts().1);
    }
}
