use super::*;
use crate::config::NodeMode;
use crate::wireguard::{Launcher, choose};

const ROOT: &str = "Name:\tusipipo\nCapEff:\t000001fffeffffff\n";
const NOBODY: &str = "Name:\tusipipo\nCapEff:\t0000000000000000\n";

fn probe(kernel: bool, status: &str, tun: bool, sockets: bool) -> Probe {
    Probe::of(
        Ok(kernel),
        &Ok(status.to_owned()),
        if tun { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) },
        if sockets { Ok(()) } else { Err("/var/run cannot be written to".to_owned()) },
    )
}

#[test]
fn auto_takes_the_best_that_works() {
    use DriverMode::{ConfigOnly, Kernel, Userspace};
    for (kernel, status, tun, sockets, best) in [
        (true, ROOT, true, true, Kernel),
        (true, ROOT, false, false, Kernel),
        (false, ROOT, true, true, Userspace),
        (false, ROOT, false, true, ConfigOnly),
        (false, ROOT, true, false, ConfigOnly),
        (true, NOBODY, true, true, ConfigOnly),
        (false, "", true, true, ConfigOnly),
    ] {
        assert_eq!(probe(kernel, status, tun, sockets).best(), best, "{kernel} {status:?} {tun} {sockets}");
    }
}

#[test]
fn whatever_is_missing_is_said_with_a_remedy() {
    let probe = probe(false, NOBODY, false, false);
    assert!(probe.findings().iter().all(|finding| !finding.works() && !finding.mend.is_empty()));
    assert!(probe.why().contains("CAP_NET_ADMIN") && probe.why().contains("no tunnel is up"), "{}", probe.why());
    let good = self::probe(true, ROOT, true, true);
    assert!(good.findings().iter().all(|finding| finding.works() && finding.mend.is_empty()));
}

#[test]
fn a_mode_that_was_set_is_taken_as_it_is() {
    let nothing_works = probe(false, NOBODY, false, false);
    let launcher = Launcher::new("/bin/false".into());
    for (set, taken) in [
        (NodeMode::Auto, DriverMode::ConfigOnly),
        (NodeMode::Kernel, DriverMode::Kernel),
        (NodeMode::Userspace, DriverMode::Userspace),
        (NodeMode::ConfigOnly, DriverMode::ConfigOnly),
    ] {
        let choice = choose(set, "wg0", &launcher, &nothing_works);
        assert_eq!((choice.mode, choice.driver.mode()), (taken, taken));
        assert!(!choice.why.is_empty());
    }
}

#[test]
fn this_machine_can_be_looked_at() {
    for finding in Probe::run().findings() {
        eprintln!("{finding:?}");
        assert_eq!(finding.works(), finding.mend.is_empty());
    }
}
