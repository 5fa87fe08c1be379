//! The probe of MTProto proxies against one that we did not write, whose way to Telegram ends at a data centre of the test.

use crate::support::data_centre::{DataCentre, Manners};
use crate::support::netns::{Namespace, cannot_run};
use crate::support::{tools, until};
use chrono::{DateTime, TimeDelta, Utc};
use std::fs;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;
use tokio::net::TcpStream;
use usipipo::mtproto::{
    Framing, KEY_BYTES, Limits, ProxyTarget, Secret, SecretKey, SecretKind, Sign, Trouble, Verdict, probe, probe_framed,
};

/// Where the proxy looks for the second data centre, which is asked for.
const TELEGRAM: &str = "149.154.167.51";
const DC: i16 = 2;
/// The web site behind which the proxy hides.
const SITE: &str = "192.0.2.80";
const DOMAIN: &str = "site.example";
const PROXY: &str = "127.0.0.1";
const PORT: u16 = 8443;

const RIGHT: [u8; KEY_BYTES] = [0x1f; KEY_BYTES];
const WRONG: [u8; KEY_BYTES] = [0x2e; KEY_BYTES];

/// The python of a virtual environment with the proxy; `None`, loudly, where it can't be had.
fn python() -> Option<String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mtprotoproxy/venv.sh");
    let output = Command::new(script).output().unwrap();
    if output.status.success() {
        return Some(String::from_utf8(output.stdout).unwrap().trim().to_owned());
    }
    let reason = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(std::env::var_os("CI").is_none(), "mtprotoproxy could not be installed: {reason}");
    eprintln!("\n!!! SKIPPED: the probe was NOT tested with mtprotoproxy, since it could not be installed:\n{reason}");
    eprintln!("Remedy: `apt-get install python3-venv python3-pip`, a way to PyPI, then run {script} !!!\n");
    None
}

/// A machine with the proxy, Telegram's address and a web site's.
struct World {
    namespace: Namespace,
    directory: TempDir,
    python: String,
}

/// A process that ends with it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl World {
    fn new() -> Option<Self> {
        if cannot_run(&["openssl"]) {
            return None;
        }
        let python = python()?;
        let namespace = Namespace::new();
        for address in [TELEGRAM, SITE] {
            namespace.ip(&format!("address add {address}/32 dev lo"));
        }
        Some(Self { namespace, directory: tempfile::tempdir().unwrap(), python })
    }

    fn telegram(&self, manners: Manners) -> DataCentre {
        DataCentre::new(&self.namespace, &format!("{TELEGRAM}:443"), manners)
    }

    /// The proxy with one user, reached directly, without advertising.
    async fn proxy(&self) -> Running {
        let config = self.directory.path().join("config.py");
        let secret: String = RIGHT.iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(
            &config,
            format!(
                "PORT = {PORT}\nUSERS = {{\"ana\": \"{secret}\"}}\nLISTEN_ADDR_IPV4 = \"{PROXY}\"\nLISTEN_ADDR_IPV6 = \"\"\n\
                 PREFER_IPV6 = False\nUSE_MIDDLE_PROXY = False\nTLS_DOMAIN = \"{DOMAIN}\"\nMASK_HOST = \"{SITE}\"\n"
            ),
        )
        .unwrap();
        let run = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mtprotoproxy/run.py");
        let said = fs::File::create(self.directory.path().join("proxy.log")).unwrap();
        let child = self
            .namespace
            .command(&self.python)
            .arg(run)
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(said)
            .spawn()
            .unwrap();
        let running = Running(child);
        self.listens(PROXY, PORT, "proxy.log").await;
        running
    }

    /// A genuine web site with TLS 1.3.
    async fn site(&self) -> Running {
        let at = |name: &str| self.directory.path().join(name);
        if !at("cert.pem").exists() {
            let make = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30";
            tools::run(
                Command::new("openssl")
                    .args(make.split(' '))
                    .args(["-subj", &format!("/CN={DOMAIN}"), "-keyout"])
                    .arg(at("key.pem"))
                    .arg("-out")
                    .arg(at("cert.pem")),
            );
        }
        let child = self
            .namespace
            .command("openssl")
            .args(["s_server", "-quiet", "-www", "-accept", &format!("{SITE}:443"), "-cert"])
            .arg(at("cert.pem"))
            .arg("-key")
            .arg(at("key.pem"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(at("site.log")).unwrap())
            .spawn()
            .unwrap();
        let running = Running(child);
        self.listens(SITE, 443, "site.log").await;
        running
    }

    async fn listens(&self, host: &str, port: u16, log: &str) {
        let what = format!("{host}:{port} listens; see {}", self.directory.path().join(log).display());
        until(&what, async || TcpStream::connect((host, port)).await.ok()).await;
    }
}

fn at(host: &str, port: u16, kind: SecretKind, key: [u8; KEY_BYTES]) -> ProxyTarget {
    ProxyTarget { host: host.to_owned(), port, secret: Secret { kind, key: SecretKey::new(key) } }
}

fn fake_tls() -> SecretKind {
    SecretKind::FakeTls { domain: DOMAIN.to_owned() }
}

fn kinds() -> [SecretKind; 3] {
    [SecretKind::Classic, SecretKind::Padded, fake_tls()]
}

fn now() -> DateTime<Utc> {
    usipipo::clock::wall()
}

async fn ask(kind: SecretKind, key: [u8; KEY_BYTES]) -> Verdict {
    probe(&at(PROXY, PORT, kind, key), DC, now(), Limits::default()).await
}

/// Runs it on the world's machine.
fn on<T: Send>(world: &World, work: impl AsyncFnOnce() -> T + Send) -> T {
    world.namespace.enter(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(work())
    })
}

#[test]
fn the_right_secret_leads_to_telegram_in_every_form_and_framing() {
    let Some(world) = World::new() else { return };
    on(&world, async || {
        let telegram = world.telegram(Manners::Answers);
        let _proxy = world.proxy().await;
        for (at, kind) in kinds().into_iter().enumerate() {
            let verdict = ask(kind.clone(), RIGHT).await;
            assert!(
                matches!(verdict, Verdict::Accepted { reached_dc: true, dc_error: None, .. }),
                "{kind:?}: {verdict}"
            );
            assert_eq!(telegram.questions(), at + 1, "it was Telegram's answer");
        }
        for framing in [Framing::Abridged, Framing::Intermediate, Framing::Padded] {
            let target = at(PROXY, PORT, SecretKind::Classic, RIGHT);
            let verdict = probe_framed(&target, framing, DC, now(), Limits::default()).await;
            assert!(verdict.works(), "{framing:?}: {verdict}");
        }
        assert_eq!(telegram.questions(), 6);
    });
}

#[test]
fn a_wrong_secret_fails_in_every_form_whether_the_web_site_answers_or_not() {
    let Some(world) = World::new() else { return };
    on(&world, async || {
        let telegram = world.telegram(Manners::Answers);
        let _proxy = world.proxy().await;
        for kind in kinds() {
            let verdict = ask(kind.clone(), WRONG).await;
            assert!(matches!(verdict, Verdict::SecretRefused { .. }), "{kind:?}: {verdict}");
        }
        let _site = world.site().await;
        for kind in [SecretKind::Classic, SecretKind::Padded] {
            let verdict = ask(kind.clone(), WRONG).await;
            assert!(matches!(verdict, Verdict::SecretRefused { .. }), "{kind:?}: {verdict}");
        }
        let verdict = ask(fake_tls(), WRONG).await;
        assert_eq!(verdict, Verdict::SecretRefused { sign: Sign::OtherTls, or_no_way_to_telegram: false });
        assert_eq!(telegram.questions(), 0);
        assert!(ask(fake_tls(), RIGHT).await.works(), "the proxy was there all the time");
    });
}

#[test]
fn without_telegram_the_secret_is_still_judged_as_far_as_its_form_allows() {
    let Some(world) = World::new() else { return };
    on(&world, async || {
        let _proxy = world.proxy().await;
        // Nothing listens at Telegram's address.
        let verdict = ask(fake_tls(), RIGHT).await;
        assert!(matches!(verdict, Verdict::Accepted { reached_dc: false, .. }), "{verdict}");
        for kind in [SecretKind::Classic, SecretKind::Padded] {
            let verdict = ask(kind.clone(), RIGHT).await;
            assert!(
                matches!(verdict, Verdict::SecretRefused { or_no_way_to_telegram: true, .. }),
                "{kind:?} cannot tell: {verdict}"
            );
        }
        let _telegram = world.telegram(Manners::Refuses);
        for kind in kinds() {
            let verdict = ask(kind.clone(), RIGHT).await;
            assert!(matches!(verdict, Verdict::Accepted { dc_error: Some(-404), .. }), "{kind:?}: {verdict}");
        }
    });
}

#[test]
fn a_proxy_that_stopped_is_unreachable_and_a_web_site_in_its_place_is_no_success() {
    let Some(world) = World::new() else { return };
    on(&world, async || {
        let _telegram = world.telegram(Manners::Answers);
        let proxy = world.proxy().await;
        assert!(ask(fake_tls(), RIGHT).await.works());
        drop(proxy);
        for kind in kinds() {
            assert_eq!(ask(kind, RIGHT).await, Verdict::Unreachable { trouble: Trouble::NothingListens });
        }
        let _site = world.site().await;
        for kind in kinds() {
            let target = at(SITE, 443, kind.clone(), RIGHT);
            let verdict = probe(&target, DC, now(), Limits::default()).await;
            assert!(matches!(verdict, Verdict::SecretRefused { .. }), "{kind:?}: {verdict}");
            if kind == fake_tls() {
                assert_eq!(verdict, Verdict::SecretRefused { sign: Sign::OtherTls, or_no_way_to_telegram: false });
            }
        }
    });
}

#[test]
fn a_wrong_clock_is_named_where_it_matters() {
    let Some(world) = World::new() else { return };
    on(&world, async || {
        let _telegram = world.telegram(Manners::Answers);
        let _proxy = world.proxy().await;
        for hours in [-24, 24] {
            let now = now() + TimeDelta::hours(hours);
            let verdict = probe(&at(PROXY, PORT, fake_tls(), RIGHT), DC, now, Limits::default()).await;
            assert!(matches!(verdict, Verdict::ClockSuspect { .. }), "{hours} h: {verdict}");
            let verdict = probe(&at(PROXY, PORT, SecretKind::Padded, RIGHT), DC, now, Limits::default()).await;
            assert!(verdict.works(), "{hours} h: {verdict}");
        }
    });
}
