#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use usipipo_actors::domain::dialogue::{Command, Event, required};

#[test]
fn every_announced_command_is_known_and_allowed_to_whom_it_is_shown() {
    for role in [Role::User, Role::Admin, Role::Superadmin] {
        for words in Lang::ALL.map(Words) {
            for announced in commands(words, role) {
                let command = Command::parse(&format!("/{}", announced.command)).expect("it begins with a slash");
                assert_ne!(command, Command::Unknown, "{}", announced.command);
                let allowed = required(&Event::Command(command)).is_none_or(|needed| role.holds(needed));
                assert!(allowed, "{} for {role:?}", announced.command);
                // Telegram's limits for a command's name and its description.
                assert!((1..=32).contains(&announced.command.len()));
                assert!((1..=256).contains(&announced.description.chars().count()));
            }
        }
    }
}

#[test]
fn who_may_grant_finds_the_commands_for_it_and_others_do_not() {
    let has = |role, name: &str| commands(Words(Lang::Es), role).iter().any(|command| command.command == name);
    for name in ["plans", "grant"] {
        assert!(has(Role::Superadmin, name) && !has(Role::Admin, name) && !has(Role::User, name), "{name}");
    }
    assert!(has(Role::User, "proxy") && has(Role::Admin, "nodes") && !has(Role::User, "nodes"));
}
