//! The probe itself: connects, asks, and judges.

use super::answer::{self, Reply};
use super::framing::{Decoded, Frame, Framing, PADDING_MAX};
use super::hello::{self, HELLO_BYTES, Seed};
use super::message::{self, NONCE_BYTES};
use super::obfuscated::{INIT_BYTES, Opening};
use super::records::{self, CHANGE_CIPHER};
use super::verdict::{ClockDifference, Sign, Trouble, Verdict};
use super::{Limits, ProxyTarget, SecretKey, SecretKind};
use chrono::{DateTime, Utc};
use connection::Connection;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

mod connection;

/// Opening bytes are drawn anew when they begin like another protocol: of 250 draws one, so that this many never fail.
const DRAWS_MAX: usize = 32;
/// After whole records without a proof more may follow at once; those of one answer come together.
const MORE_RECORDS: Duration = Duration::from_secs(1);
/// Times that a refused greeting is tried with as well, in seconds from ours, to find a wrong clock. Known proxies allow
/// 5 s, 120 s, or 10 to 20 minutes of difference.
const OTHER_TIMES: [i32; 6] = [-10, 10, -200, 200, -3600, 3600];
/// Some clients send the seconds since they were switched on instead of the time, and some proxies take that: days of 1970
/// in one, two minutes in another.
const SINCE_BOOT: u32 = 60;

/// What came of the question to Telegram.
enum Answer {
    Telegram,
    TelegramError(i32),
    None(Sign),
}

/// Why there is no answer to judge.
enum Failure {
    Trouble(Trouble),
    Problem(String),
}

type Result<T> = std::result::Result<T, Failure>;

/// Proves that a proxy takes a secret, as the apps would use it. `dc` is the data centre that is asked for: 1 to 5. Never
/// fails otherwise than by its verdict, and ends within the limits.
pub async fn probe(target: &ProxyTarget, dc: i16, now: DateTime<Utc>, limits: Limits) -> Verdict {
    let framing = match target.secret.kind {
        SecretKind::Classic => Framing::Intermediate,
        SecretKind::Padded | SecretKind::FakeTls { .. } => Framing::Padded,
    };
    probe_framed(target, framing, dc, now, limits).await
}

/// The same with a framing of the caller's choice; with a classic secret apps use any of the three.
pub async fn probe_framed(
    target: &ProxyTarget,
    framing: Framing,
    dc: i16,
    now: DateTime<Utc>,
    limits: Limits,
) -> Verdict {
    let begin = Instant::now();
    let probe = Probe { target, framing, dc, now, limits, begin, end: begin + limits.total };
    let verdict = match &target.secret.kind {
        SecretKind::Classic | SecretKind::Padded => probe.obfuscated().await,
        SecretKind::FakeTls { domain } => probe.fake_tls(domain).await,
    };
    match verdict {
        Ok(verdict) => verdict,
        Err(Failure::Trouble(trouble)) => Verdict::Unreachable { trouble },
        Err(Failure::Problem(problem)) => Verdict::CannotAsk { problem },
    }
}

struct Probe<'a> {
    target: &'a ProxyTarget,
    framing: Framing,
    dc: i16,
    now: DateTime<Utc>,
    limits: Limits,
    begin: Instant,
    end: Instant,
}

impl Probe<'_> {
    async fn connect(&self) -> Result<Connection> {
        let by = self.end.min(Instant::now() + self.limits.connect);
        match timeout_at(by, Connection::open(&self.target.host, self.target.port)).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(trouble)) => Err(Failure::Trouble(trouble)),
            Err(_) => Err(Failure::Trouble(Trouble::TimedOut)),
        }
    }

    /// When an answer that is asked for now must have come.
    fn answer_by(&self) -> Instant {
        self.end.min(Instant::now() + self.limits.answer)
    }

    async fn obfuscated(&self) -> Result<Verdict> {
        let mut connection = self.connect().await?;
        let answer = self.ask(&mut connection, false).await?;
        let took = self.begin.elapsed();
        Ok(match answer {
            Answer::Telegram => Verdict::Accepted { reached_dc: true, dc_error: None, took },
            Answer::TelegramError(error) => Verdict::Accepted { reached_dc: true, dc_error: Some(error), took },
            Answer::None(sign) => {
                let or_no_way_to_telegram = matches!(sign, Sign::Silence | Sign::Closed);
                Verdict::SecretRefused { sign, or_no_way_to_telegram }
            }
        })
    }

    async fn fake_tls(&self, domain: &str) -> Result<Verdict> {
        let stamp = hello::stamp(self.now);
        let mut connection = self.connect().await?;
        if let Err(sign) = self.greet(&mut connection, domain, stamp).await? {
            // A wrong clock and a wrong secret look the same: only another time tells.
            drop(connection);
            let refused = Verdict::SecretRefused { sign, or_no_way_to_telegram: false };
            let Some(difference) = self.other_clock(domain, stamp, sign).await else {
                return Ok(refused);
            };
            let Ok(again) = self.connect().await else {
                return Ok(refused);
            };
            connection = again;
            // It may have been an accident; the right time once more decides.
            if self.greet(&mut connection, domain, stamp).await?.is_err() {
                return Ok(Verdict::ClockSuspect { difference });
            }
        }
        let took = self.begin.elapsed();
        Ok(match self.ask(&mut connection, true).await? {
            Answer::Telegram => Verdict::Accepted { reached_dc: true, dc_error: None, took: self.begin.elapsed() },
            Answer::TelegramError(error) => {
                Verdict::Accepted { reached_dc: true, dc_error: Some(error), took: self.begin.elapsed() }
            }
            Answer::None(_) => Verdict::Accepted { reached_dc: false, dc_error: None, took },
        })
    }

    /// Looks for a time with which the proxy takes the secret, as long as there is time for it.
    async fn other_clock(&self, domain: &str, stamp: u32, sign: Sign) -> Option<ClockDifference> {
        if sign == Sign::OtherAnswer {
            return None;
        }
        let others = OTHER_TIMES.map(|step| (stamp.saturating_add_signed(step), ClockDifference::About(step)));
        for (stamp, difference) in [(SINCE_BOOT, ClockDifference::Unknown)].into_iter().chain(others) {
            if Instant::now() >= self.end {
                return None;
            }
            let mut connection = self.connect().await.ok()?;
            if self.greet(&mut connection, domain, stamp).await.ok()?.is_ok() {
                return Some(difference);
            }
        }
        None
    }

    /// Says hello in what looks like TLS; fine when the proxy proves that it knows the secret.
    async fn greet(
        &self,
        connection: &mut Connection,
        domain: &str,
        stamp: u32,
    ) -> Result<std::result::Result<(), Sign>> {
        let secret = &self.target.secret.key;
        let hello = greeting(domain, secret, stamp)?;
        let mut random = [0; 32];
        random.copy_from_slice(&hello[hello::RANDOM]);
        let mut by = self.answer_by();
        if let Err(sign) = connection.send(&hello, by).await {
            return Ok(Err(sign));
        }
        loop {
            let reply = answer::check(connection.received(), &random, secret);
            match reply {
                Reply::Proven(length) => {
                    connection.forget(length);
                    return Ok(Ok(()));
                }
                Reply::Genuine => return Ok(Err(Sign::OtherTls)),
                Reply::Nonsense => return Ok(Err(Sign::OtherAnswer)),
                Reply::Unproven => by = by.min(Instant::now() + MORE_RECORDS),
                Reply::Incomplete => {}
            }
            if let Err(sign) = connection.receive(by).await {
                return Ok(Err(match reply {
                    Reply::Unproven => Sign::OtherTls,
                    _ if connection.received().is_empty() => sign,
                    _ => Sign::OtherAnswer,
                }));
            }
        }
    }

    /// Opens the obfuscated stream and asks Telegram through it.
    async fn ask(&self, connection: &mut Connection, in_records: bool) -> Result<Answer> {
        let by = self.answer_by();
        let mut nonce = [0; NONCE_BYTES];
        fill(&mut nonce)?;
        let mut opening = self.opening()?;
        let mut frame = self.frame(&nonce)?;
        opening.outgoing.apply(&mut frame);
        let mut out = opening.wire.to_vec();
        out.append(&mut frame);
        if in_records {
            out = [CHANGE_CIPHER.to_vec(), records::wrap(&out)].concat();
        }
        if let Err(sign) = connection.send(&out, by).await {
            return Ok(Answer::None(sign));
        }
        let mut content = Vec::new();
        loop {
            let mut fresh = Vec::new();
            let whole = if in_records {
                connection.unwrap_records(&mut fresh)
            } else {
                fresh = connection.take();
                true
            };
            opening.incoming.apply(&mut fresh);
            content.append(&mut fresh);
            match self.framing.decode(&content) {
                Decoded::Frame(Frame::Message(message), _) if message::answers(&message, &nonce) => {
                    return Ok(Answer::Telegram);
                }
                Decoded::Frame(Frame::Error(error), _) => return Ok(Answer::TelegramError(error)),
                Decoded::Frame(Frame::Message(_), _) | Decoded::Nonsense => return Ok(Answer::None(Sign::OtherAnswer)),
                Decoded::Incomplete if !whole => return Ok(Answer::None(Sign::OtherAnswer)),
                Decoded::Incomplete => {}
            }
            if let Err(sign) = connection.receive(by).await {
                return Ok(Answer::None(if content.is_empty() { sign } else { Sign::OtherAnswer }));
            }
        }
    }

    fn opening(&self) -> Result<Opening> {
        let mut random = Zeroizing::new([0; INIT_BYTES]);
        for _ in 0..DRAWS_MAX {
            fill(&mut *random)?;
            if let Ok(opening) = Opening::new(&random, &self.target.secret.key, self.framing, self.dc) {
                return Ok(opening);
            }
        }
        Err(Failure::Problem("this machine's random numbers are not random; check its kernel".to_owned()))
    }

    fn frame(&self, nonce: &[u8; NONCE_BYTES]) -> Result<Vec<u8>> {
        let mut padding = [0; PADDING_MAX + 1];
        fill(&mut padding)?;
        let length = usize::from(padding[PADDING_MAX]) % (PADDING_MAX + 1);
        let message = message::request(nonce, self.now);
        // Its length is a constant that fits.
        self.framing
            .encode(&message, &padding[..length])
            .ok_or_else(|| Failure::Problem("the question does not fit its framing; report this as a fault".to_owned()))
    }
}

/// A fresh greeting with the proof that we know the secret.
fn greeting(domain: &str, secret: &SecretKey, stamp: u32) -> Result<[u8; HELLO_BYTES]> {
    let mut seed = Seed::default();
    for part in [&mut seed.session[..], &mut seed.share[..], &mut seed.grease[..]] {
        fill(part)?;
    }
    let mut hello = hello::unsigned(domain, &seed).map_err(|bad| Failure::Problem(bad.to_string()))?;
    hello::sign(&mut hello, secret, stamp);
    Ok(hello)
}

fn fill(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes)
        .map_err(|cause| Failure::Problem(format!("this machine has no random numbers ({cause}); check its kernel")))
}

#[cfg(test)]
mod tests;
