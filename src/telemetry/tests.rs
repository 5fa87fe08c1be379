use super::*;
use crate::config::LogFormat;
use secrecy::SecretString;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tracing::{info, info_span};

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn lines(format: LogFormat, body: impl FnOnce()) -> Vec<String> {
    let memory = Memory::default();
    let (sink, guard) = sink::start(memory.clone());
    let subscriber = Registry::default().with(LogLayer::new(format, false, sink));
    tracing::subscriber::with_default(subscriber, body);
    guard.flush();
    let bytes = memory.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
}

fn some_events() {
    info!(nodes = 2, "started");
    let session = info_span!("session", user = 9_007_199_254_740_993_i64, actor = "session");
    let inside = session.enter();
    info!(what = "two words", "pressed");
    let step = info_span!("step", user = tracing::field::Empty, step = "trial");
    step.record("user", 5_i64);
    step.in_scope(|| info!("nearest"));
    drop(inside);
    info!(user = 7_i64, "own field");
}

#[test]
fn text_lines_carry_user_or_system() {
    let lines = lines(LogFormat::Text, some_events);
    assert_eq!(lines.len(), 4);
    assert!(lines[0].contains("Z  INFO user=SYSTEM usipipo::telemetry::tests: started nodes=2"), "{}", lines[0]);
    assert!(
        lines[1].contains(" user=9007199254740993 actor=session ") && lines[1].ends_with("pressed what=\"two words\"")
    );
    assert!(lines[2].contains(" user=5 actor=session ") && lines[2].ends_with("step=trial"), "{}", lines[2]);
    assert!(lines[3].contains(" user=7 usipipo"), "{}", lines[3]);
}

#[test]
fn json_lines_carry_user_or_system() {
    let lines = lines(LogFormat::Json, some_events);
    let parsed: Vec<serde_json::Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let users: Vec<&str> = parsed.iter().map(|line| line["user"].as_str().unwrap()).collect();
    assert_eq!(users, ["SYSTEM", "9007199254740993", "5", "7"]);
    assert_eq!(parsed[0]["fields"]["nodes"], 2);
    assert_eq!(parsed[1]["actor"], "session");
    assert_eq!(parsed[1]["message"], "pressed");
    assert_eq!(parsed[1]["level"], "INFO");
    assert!(parsed[0].get("actor").is_none());
}

#[test]
fn fault_28_secrets_leave_no_trace_in_a_line() {
    hide(&SecretString::from("123456:SESAME-open"));
    let body = || info!(url = "https://api/bot123456:SESAME-open/getMe", "failed with 123456:SESAME-open");
    for format in [LogFormat::Text, LogFormat::Json] {
        let lines = lines(format, body);
        assert!(lines.len() == 1 && !lines[0].contains("SESAME"), "{lines:?}");
    }
}

#[test]
fn fault_22_a_text_cannot_forge_a_second_line() {
    let lines = lines(LogFormat::Text, || info!("name\n2026 ERROR user=SYSTEM \x1b[2J gone"));
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains("name\\n2026"));
}

struct Gone;

impl Write for Gone {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

struct Stuck(Arc<Mutex<()>>);

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        drop(self.0.lock().unwrap());
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn fault_27_a_log_target_that_is_gone_or_stuck_stops_nothing() {
    let (gone, gone_guard) = sink::start(Gone);
    let gate = Arc::new(Mutex::new(()));
    let closed = gate.lock().unwrap();
    let (stuck, stuck_guard) = sink::start(Stuck(Arc::clone(&gate)));
    let started = Instant::now();
    for sink in [gone, stuck] {
        let subscriber = Registry::default().with(LogLayer::new(LogFormat::Text, false, sink));
        tracing::subscriber::with_default(subscriber, || (0..20_000).for_each(|n| info!(n, "line")));
    }
    drop(gone_guard);
    drop(stuck_guard);
    drop(closed);
    assert!(started.elapsed() < Duration::from_secs(20), "logging blocked the program");
}
