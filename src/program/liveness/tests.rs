#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use std::process::{Child, Command, Stdio};

/// A child that lives until it is killed, and its name.
fn child(machine: &Machine) -> (Child, String) {
    let child = Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().unwrap();
    let name = machine.name_of(pid_of(&child)).unwrap();
    (child, format!("{name}/00c0ffee"))
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap())
}

/// The name with its part at `index` replaced; the host is the first.
fn with(name: &str, index: usize, part: &str) -> String {
    let mut parts: Vec<&str> = name.split('/').collect();
    parts[index] = part;
    parts.join("/")
}

#[test]
fn this_process_lives_and_its_name_says_where() {
    let machine = Machine::here();
    let name = machine.own_name();
    let named = Named::parse(&name).expect("/proc tells everything");
    assert_eq!(named.place, machine.0.clone().unwrap());
    assert_eq!(named.pid, Pid::this());
    assert!(!machine.is_surely_dead(&name));
    assert_ne!(name, machine.own_name(), "salted");
}

#[test]
fn fault_33_a_child_lives_until_it_is_killed_and_is_dead_before_and_after_it_is_reaped() {
    let machine = Machine::here();
    let (mut child, name) = child(&machine);
    assert!(!machine.is_surely_dead(&name));
    child.kill().unwrap();
    let begun = std::time::Instant::now();
    while !machine.is_surely_dead(&name) {
        assert!(begun.elapsed().as_secs() < 40, "a killed child is dead");
        std::thread::yield_now();
    }
    assert_eq!(Stat::of(pid_of(&child)).unwrap().state, 'Z', "nobody waited for it yet");
    child.wait().unwrap();
    assert!(machine.is_surely_dead(&name));
}

#[test]
fn a_process_with_the_id_of_a_dead_one_is_another() {
    let machine = Machine::here();
    let name = machine.own_name();
    let earlier = Named::parse(&name).unwrap().start - 1;
    assert!(machine.is_surely_dead(&with(&name, 5, &earlier.to_string())));
}

#[test]
fn of_processes_elsewhere_nothing_is_known() {
    let machine = Machine::here();
    let (mut child, name) = child(&machine);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(machine.is_surely_dead(&name));
    let elsewhere = [(0, "another-host"), (1, "00000000-0000-4000-8000-000000000000"), (2, "1"), (3, "1")];
    for (index, part) in elsewhere {
        let name = with(&name, index, part);
        assert!(!machine.is_surely_dead(&name), "{name}");
    }
    assert!(!Machine(None).is_surely_dead(&name), "where /proc tells nothing");
}

#[test]
fn names_that_say_nothing_are_not_known_to_be_dead() {
    let machine = Machine::here();
    let name = machine.own_name();
    let unverifiable = Machine(None).own_name();
    let bad = [
        "".to_owned(),
        "process 1".to_owned(),
        "host/1/00c0ffee".to_owned(),
        "//////".to_owned(),
        unverifiable,
        with(&name, 4, "0"),
        with(&name, 4, "-1"),
        with(&name, 4, "99999999999999999999"),
        with(&name, 4, "x"),
        with(&name, 5, ""),
        name.rsplit_once('/').unwrap().0.to_owned(),
    ];
    for holder in bad {
        assert!(!machine.is_surely_dead(&holder), "{holder:?}");
    }
}

#[test]
fn a_line_of_proc_is_read_whatever_the_command_is_called() {
    let line = "77 (a) R 1 (b) Z 1 77 77 0 -1 4228356 0 0 0 0 0 0 0 0 20 0 3 0 123456 0 0\n";
    let stat = Stat::parse(line).unwrap();
    assert_eq!(stat, Stat { state: 'Z', threads: 3, start: 123_456 });
    assert!(!stat.is_over(), "other threads of it still end");
    assert!(Stat { threads: 1, ..stat }.is_over());
    assert!(!Stat { state: 'D', threads: 1, start: 1 }.is_over());
    for short in ["", "77", "77 (a)", "77 (a) Z 1 77 77 0 -1 4228356 0 0"] {
        assert_eq!(Stat::parse(short), None, "{short:?}");
    }
}
