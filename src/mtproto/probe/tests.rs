#![allow(clippy::unwrap_used, reason = "tests")]

use super::super::tests::{other_secret, secret};
use super::super::{Secret, SecretKey};
use super::*;
use aes::Aes256;
use aes::cipher::{KeyIvInit as _, StreamCipher as _};
use ctr::Ctr128BE;
use hmac::Mac as _;
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Short, since some of these servers never answer; on one machine an answer takes milliseconds.
const LIMITS: Limits =
    Limits { connect: Duration::from_secs(10), answer: Duration::from_millis(300), total: Duration::from_secs(30) };
/// For tests in which every answer comes.
const PATIENT: Limits =
    Limits { connect: Duration::from_secs(10), answer: Duration::from_secs(20), total: Duration::from_secs(40) };

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

fn target(port: u16, kind: SecretKind) -> ProxyTarget {
    ProxyTarget { host: "127.0.0.1".to_owned(), port, secret: Secret { kind, key: secret() } }
}

fn fake_tls() -> SecretKind {
    SecretKind::FakeTls { domain: "example.com".to_owned() }
}

/// A server that treats each connection with this, in turn.
async fn server<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> (u16, JoinHandle<()>)
where
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            serve(stream).await;
        }
    });
    (port, task)
}

fn keys(bytes: &[u8], secret: &SecretKey) -> Ctr128BE<Aes256> {
    let mut hash = Sha256::new();
    hash.update(&bytes[..32]);
    hash.update(secret.expose());
    let iv: [u8; 16] = bytes[32..48].try_into().unwrap();
    Ctr128BE::<Aes256>::new(&hash.finalize(), &iv.into())
}

/// The proxy's half of the obfuscated stream with 64 bytes and a question: what these bytes of answer are on the wire.
fn obfuscate(request: &[u8], answer: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut backward = request[8..56].to_vec();
    let mut incoming = keys(&backward, &secret());
    backward.reverse();
    let mut plain = request.to_vec();
    incoming.apply_keystream(&mut plain);
    let mut out = answer(&plain[64..]);
    keys(&backward, &secret()).apply_keystream(&mut out);
    out
}

/// Telegram's answer to a question in a frame of four bytes of length.
fn res_pq(frame: &[u8]) -> Vec<u8> {
    let body = [&0x0516_2463_u32.to_le_bytes()[..], &frame[28..44], &[0x55; 16], &[0; 24]].concat();
    let length = u32::try_from(body.len()).unwrap();
    let message = [&[0; 16][..], &length.to_le_bytes(), &body].concat();
    Framing::Padded.encode(&message, &[1, 2, 3]).unwrap()
}

/// Reads an opening and a question without padding, which is the shortest.
async fn read_request(stream: &mut TcpStream) -> Vec<u8> {
    let mut request = vec![0; 64 + 4 + message::REQUEST_BYTES];
    stream.read_exact(&mut request).await.unwrap();
    request
}

/// Reads and drops all that comes, until the other side hangs up.
async fn drain(stream: &mut TcpStream) {
    let mut rest = [0; 1024];
    while stream.read(&mut rest).await.is_ok_and(|length| length > 0) {}
}

#[tokio::test]
async fn telegrams_refusal_proves_the_secret() {
    for bare in [false, true] {
        let (port, _task) = server(move |mut stream: TcpStream| async move {
            let request = read_request(&mut stream).await;
            let answer = obfuscate(&request, |_| {
                let error = (-404_i32).to_le_bytes();
                if bare { error.to_vec() } else { Framing::Padded.encode(&error, &[7]).unwrap() }
            });
            stream.write_all(&answer).await.unwrap();
            drain(&mut stream).await;
        })
        .await;
        let verdict = probe(&target(port, SecretKind::Padded), 2, now(), PATIENT).await;
        assert!(matches!(verdict, Verdict::Accepted { reached_dc: true, dc_error: Some(-404), .. }), "{verdict:?}");
        assert!(!verdict.works());
    }
}

#[tokio::test]
async fn an_answer_in_single_bytes_is_read_whole() {
    let (port, _task) = server(|mut stream: TcpStream| async move {
        let request = read_request(&mut stream).await;
        for byte in obfuscate(&request, res_pq) {
            stream.write_all(&[byte]).await.unwrap();
            stream.flush().await.unwrap();
            tokio::task::yield_now().await;
        }
        drain(&mut stream).await;
    })
    .await;
    let verdict = probe(&target(port, SecretKind::Classic), 2, now(), PATIENT).await;
    assert!(verdict.works(), "{verdict:?}");
}

#[tokio::test]
async fn another_proxy_that_repeats_an_old_answer_is_not_believed() {
    let (port, _task) = server(|mut stream: TcpStream| async move {
        let request = read_request(&mut stream).await;
        let answer = obfuscate(&request, |frame| {
            let mut old = res_pq(frame);
            old[30] ^= 1;
            old
        });
        stream.write_all(&answer).await.unwrap();
        drain(&mut stream).await;
    })
    .await;
    let verdict = probe(&target(port, SecretKind::Padded), 2, now(), PATIENT).await;
    assert_eq!(verdict, Verdict::SecretRefused { sign: Sign::OtherAnswer, or_no_way_to_telegram: false });
}

#[tokio::test]
async fn silence_hanging_up_and_a_web_server_are_told_apart() {
    let (silent, _task) = server(|mut stream: TcpStream| async move { drain(&mut stream).await }).await;
    let (closed, _task) = server(|mut stream: TcpStream| async move { drop(read_request(&mut stream).await) }).await;
    let (web, _task) = server(|mut stream: TcpStream| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        drain(&mut stream).await;
    })
    .await;
    for (port, sign, limits) in
        [(silent, Sign::Silence, LIMITS), (closed, Sign::Closed, PATIENT), (web, Sign::OtherAnswer, PATIENT)]
    {
        let verdict = probe(&target(port, SecretKind::Padded), 2, now(), limits).await;
        let or_no_way_to_telegram = sign != Sign::OtherAnswer;
        assert_eq!(verdict, Verdict::SecretRefused { sign, or_no_way_to_telegram });
        let verdict = probe(&target(port, fake_tls()), 2, now(), limits).await;
        assert_eq!(verdict, Verdict::SecretRefused { sign, or_no_way_to_telegram: false });
    }
}

#[tokio::test]
async fn one_that_floods_or_dribbles_is_left_within_the_limits() {
    // Never ends, and looks like records that never prove anything.
    let (flood, _task) = server(|mut stream: TcpStream| async move {
        let chunk = [&[0x16, 3, 3, 0, 122, 2][..], &[0; 121], &[0x14, 3, 3, 0, 1, 1]].concat();
        let _ = stream.write_all(&chunk).await;
        while stream.write_all(&[0x17, 3, 3, 0, 1, 0]).await.is_ok() {}
    })
    .await;
    let verdict = probe(&target(flood, fake_tls()), 2, now(), PATIENT).await;
    assert_eq!(verdict, Verdict::SecretRefused { sign: Sign::OtherTls, or_no_way_to_telegram: false });

    let (dribble, _task) = server(|mut stream: TcpStream| async move {
        while stream.write_all(&[0x16]).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let begin = Instant::now();
    let short = Limits { total: Duration::from_secs(1), ..LIMITS };
    for kind in [SecretKind::Classic, SecretKind::Padded, fake_tls()] {
        let verdict = probe(&target(dribble, kind), 2, now(), short).await;
        assert!(matches!(verdict, Verdict::SecretRefused { .. }), "{verdict:?}");
    }
    assert!(begin.elapsed() < Duration::from_secs(15), "three probes of at most a second each");
}

/// The proxy's answer in what looks like TLS; only its first bytes when the proof is another's.
fn tls_reply(hello: &[u8], secret: &SecretKey) -> Vec<u8> {
    let mut reply = [&[0x16, 3, 3, 0, 122, 2, 0, 0, 118, 3, 3][..], &[0; 32], &[32], &hello[44..76], &[9; 51]].concat();
    reply.extend_from_slice(&CHANGE_CIPHER);
    reply.extend_from_slice(&records::wrap(&[4; 1300]));
    reply.extend_from_slice(&records::wrap(&[6; 70]));
    let proof = answer::mac(secret).chain_update(&hello[hello::RANDOM]).chain_update(&reply).finalize().into_bytes();
    reply[hello::RANDOM].copy_from_slice(&proof);
    reply
}

/// The time in a greeting's proof.
fn time_of(hello: &[u8]) -> i64 {
    let mut unsigned: [u8; HELLO_BYTES] = hello.try_into().unwrap();
    hello::sign(&mut unsigned, &secret(), 0);
    let time: Vec<u8> = unsigned[39..43].iter().zip(&hello[39..43]).map(|(a, b)| a ^ b).collect();
    i64::from(u32::from_le_bytes(time.try_into().unwrap()))
}

/// A proxy whose clock is so many seconds ahead and which allows two minutes; strangers meet another secret, as a web site.
async fn proxy_with_clock(ahead: i64) -> (u16, JoinHandle<()>) {
    server(move |mut stream: TcpStream| async move {
        let mut hello = [0; HELLO_BYTES];
        stream.read_exact(&mut hello).await.unwrap();
        let fits = (time_of(&hello) - now().timestamp() - ahead).abs() <= 120;
        let reply = tls_reply(&hello, &if fits { secret() } else { other_secret() });
        stream.write_all(&reply).await.unwrap();
        let mut head = [0; 6 + records::HEAD_BYTES + 64 + 4 + message::REQUEST_BYTES];
        if !fits || stream.read_exact(&mut head).await.is_err() {
            return;
        }
        let answer = obfuscate(&head[6 + records::HEAD_BYTES..], res_pq);
        let (first, second) = answer.split_at(30);
        stream.write_all(&[records::wrap(first), records::wrap(second)].concat()).await.unwrap();
        drain(&mut stream).await;
    })
    .await
}

#[tokio::test]
async fn in_tls_an_answer_in_several_records_is_read() {
    let (port, _task) = proxy_with_clock(0).await;
    let verdict = probe(&target(port, fake_tls()), 2, now(), PATIENT).await;
    assert!(verdict.works(), "{verdict:?}");
}

#[tokio::test]
async fn a_wrong_clock_is_told_from_a_wrong_secret() {
    for (ahead, about) in [(190, 200), (-250, -200), (3550, 3600)] {
        let (port, _task) = proxy_with_clock(ahead).await;
        let verdict = probe(&target(port, fake_tls()), 2, now(), PATIENT).await;
        assert_eq!(verdict, Verdict::ClockSuspect { difference: ClockDifference::About(about) });
    }
    let (port, _task) = proxy_with_clock(0).await;
    let mut wrong = target(port, fake_tls());
    // The server of this test answers strangers with the other secret, so that a third one is needed.
    wrong.secret.key = SecretKey::new([3; 16]);
    let verdict = probe(&wrong, 2, now(), PATIENT).await;
    assert_eq!(verdict, Verdict::SecretRefused { sign: Sign::OtherTls, or_no_way_to_telegram: false });
}

#[tokio::test]
async fn nobody_there_and_no_such_name_are_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    for kind in [SecretKind::Classic, fake_tls()] {
        let verdict = probe(&target(port, kind), 2, now(), PATIENT).await;
        assert_eq!(verdict, Verdict::Unreachable { trouble: Trouble::NothingListens });
    }
    let mut nowhere = target(port, SecretKind::Classic);
    nowhere.host = "no such name".to_owned();
    let verdict = probe(&nowhere, 2, now(), PATIENT).await;
    assert!(matches!(verdict, Verdict::Unreachable { trouble: Trouble::NoAddress(_) }), "{verdict:?}");
}

#[tokio::test]
async fn a_domain_that_is_none_is_our_own_fault() {
    let (port, _task) = server(|mut stream: TcpStream| async move { drain(&mut stream).await }).await;
    let verdict = probe(&target(port, SecretKind::FakeTls { domain: "a b".to_owned() }), 2, now(), PATIENT).await;
    assert!(matches!(verdict, Verdict::CannotAsk { .. }), "{verdict:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]
    #[test]
    fn whatever_is_sent_back_is_survived_and_never_success(
        bytes in prop::collection::vec(any::<u8>(), 0..5000),
        beginning in prop::sample::select(vec![vec![], vec![0x16, 3, 3, 0, 90, 2], vec![0x17, 3, 3, 1, 0], vec![0x15, 3, 3, 0, 2]]),
        kind in prop::sample::select(vec![SecretKind::Classic, SecretKind::Padded, fake_tls()]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let verdict = runtime.block_on(async move {
            let bytes = [beginning, bytes].concat();
            let (port, _task) = server(move |mut stream: TcpStream| {
                let bytes = bytes.clone();
                async move {
                    let mut some = [0; 64];
                    let _ = stream.read_exact(&mut some).await;
                    let _ = stream.write_all(&bytes).await;
                }
            })
            .await;
            probe(&target(port, kind), 2, now(), PATIENT).await
        });
        prop_assert!(matches!(verdict, Verdict::SecretRefused { .. }), "{:?}", verdict);
    }
}
