//! The month itself, scene by scene: the clock moves, servers and traffic do what they do, people come and act.

use crate::check;
use crate::history::{Notice, QUIET, Wishes};
use crate::ledger::{self, Ledger};
use crate::people::{Deed, Person};
use crate::rng::Rng;
use crate::rows::{self, NodeLine};
use crate::stage::{Server, Stage};
use chrono::{DateTime, TimeDelta, TimeZone as _, Utc};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::{Duration, Instant};
use usipipo_actors::domain::callback::Button;
use usipipo_actors::domain::ids::{NodeId, UserId};
use usipipo_actors::domain::lang::Lang;
use usipipo_actors::domain::outgoing::{Body, Priority};
use usipipo_actors::domain::screen::Screen;
use usipipo_actors::testing::system::SUPERADMIN;

/// Most looks at the phone in one scene.
const ROUNDS: u32 = 5;
/// Scenes between two thorough looks at everything: about a day.
const CHECK_EVERY: usize = 8;

/// Actors that are killed now and then, besides those of servers.
const ACTORS: [&str; 14] = [
    "inbox",
    "leader",
    "duty",
    "duty/alerts",
    "duty/outbox",
    "duty/committer",
    "duty/router",
    "duty/router/*",
    "duty/payments",
    "duty/membership",
    "duty/sweeper",
    "duty/stats",
    "duty/poller",
    "duty/pool/miami/trial",
];
/// Those with whom a message may be lost out of memory between its sending and its mark.
const SENDERS: [&str; 3] = ["leader", "duty", "duty/outbox"];

/// What was shown of a service, how often.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Shown {
    pub(crate) ready: usize,
    pub(crate) renewed: usize,
    pub(crate) revoked: usize,
}

pub(crate) struct Play {
    pub(crate) stage: Stage,
    pub(crate) ledger: Ledger,
    pub(crate) people: BTreeMap<i64, Person>,
    /// What people want, and from when on.
    pub(crate) wishes: BTreeMap<i64, Vec<(DateTime<Utc>, Wishes)>>,
    /// Every time that the clock showed.
    pub(crate) times: Vec<DateTime<Utc>>,
    pub(crate) notices: Vec<Notice>,
    pub(crate) shown: BTreeMap<i64, Shown>,
    pub(crate) updates: u64,
    rng: Rng,
    end: DateTime<Utc>,
    nodes: Vec<NodeId>,
    heavy: HashSet<i64>,
    others: Vec<UserId>,
    /// Presses and words that were not answered yet.
    presses: BTreeSet<String>,
    words: BTreeSet<i64>,
    pub(crate) deaths: u64,
    /// Where the test's own time went: sweeps, servers and traffic, people, checks.
    pub(crate) spent: [Duration; 4],
}

impl Play {
    pub(crate) async fn begin(seed: u64, users: u64, days: u64) -> Self {
        let start = Utc.with_ymd_and_hms(2026, 3, 1, 9, 17, 0).unwrap();
        let mut rng = Rng::new(seed);
        let mut stage = Stage::open(start).await;
        let nodes: Vec<NodeLine> = rows::read(&mut stage, "SELECT id, name, state FROM nodes ORDER BY id").await;
        let mut people = BTreeMap::new();
        people.insert(SUPERADMIN.0, Person::new(seed, SUPERADMIN, start, true));
        let span = days * 24 * 60;
        for number in 0..i64::try_from(users).unwrap() {
            // Large ids, as Telegram has them by now.
            let id = UserId(7_000_000_000 + number);
            let joins = start + TimeDelta::minutes(i64::try_from(rng.below(1 + span * 2 / 3)).unwrap());
            people.insert(id.0, Person::new(seed, id, joins, false));
        }
        let wishes = |person: &Person| Wishes {
            language: Lang::from_tag(person.language()).unwrap_or(Lang::Es).code().to_owned(),
            zone: "America/Havana".to_owned(),
            quiet: QUIET,
            reminders: true,
            blocked: false,
        };
        Self {
            ledger: Ledger::default(),
            wishes: people.iter().map(|(id, person)| (*id, vec![(start, wishes(person))])).collect(),
            times: vec![start],
            notices: Vec::new(),
            shown: BTreeMap::new(),
            updates: 0,
            end: start + TimeDelta::days(i64::try_from(days).unwrap()),
            nodes: nodes.into_iter().map(|node| NodeId(node.id)).collect(),
            heavy: people.values().filter(|person| person.heavy).map(|person| person.id.0).collect(),
            others: people.values().map(|person| person.id).filter(|id| *id != SUPERADMIN).collect(),
            presses: BTreeSet::new(),
            words: BTreeSet::new(),
            deaths: 0,
            spent: [Duration::ZERO; 4],
            people,
            rng,
            stage,
        }
    }

    pub(crate) fn goes_on(&self) -> bool {
        self.stage.now() < self.end
    }

    /// Some three hours.
    pub(crate) async fn scene(&mut self) {
        let minutes = 120 + self.rng.below(121);
        self.stage.clock.advance(TimeDelta::minutes(i64::try_from(minutes).unwrap()));
        let now = self.stage.now();
        self.times.push(now);
        let begun = Instant::now();
        self.stage.sweep().await;
        self.read(false);
        let swept = Instant::now();
        self.servers(false).await;
        self.ledger.flow(&mut self.stage, &mut self.rng, &self.heavy).await;
        self.ledger.is_read(&mut self.stage).await;
        self.stage.settle().await;
        self.read(false);
        let flowed = Instant::now();
        for person in self.people.values_mut() {
            person.wakes(now);
        }
        for round in 0..ROUNDS {
            if !self.act(round == 0) {
                break;
            }
            let repeats = self.strike().await;
            if repeats {
                self.stage.settle().await;
            } else {
                self.stage.answers().await;
            }
            self.read(repeats);
            assert!(self.presses.is_empty(), "{now}: presses without an answer: {:?}", self.presses);
            assert!(self.words.is_empty(), "{now}: people without an answer: {:?}", self.words);
        }
        let acted = Instant::now();
        self.stage.sweep().await;
        self.read(false);
        let ended = Instant::now();
        if self.times.len().is_multiple_of(CHECK_EVERY) {
            self.check().await;
        }
        let parts = [(swept - begun) + (ended - acted), flowed - swept, acted - flowed, ended.elapsed()];
        for (spent, part) in self.spent.iter_mut().zip(parts) {
            *spent += part;
        }
    }

    async fn check(&mut self) {
        check::check(&mut self.stage).await;
        ledger::check(&self.ledger, &mut self.stage).await;
    }

    /// The month is over: every server answers again.
    pub(crate) async fn finale(mut self) {
        self.servers(true).await;
        self.ledger.is_read(&mut self.stage).await;
        self.stage.settle().await;
        self.read(false);
        self.check().await;
        crate::finale::check(&mut self).await;
        self.stage.system.stop(std::future::pending()).await;
    }

    /// Servers go away, come back, forget, and lose answers.
    async fn servers(&mut self, all_back: bool) {
        let now = self.stage.now();
        for (name, server) in self.stage.servers.clone() {
            if self.stage.away.contains(&name) {
                if self.rng.permille(40) {
                    server.forget();
                    self.ledger.lost(&name);
                }
                if all_back || self.rng.permille(250) {
                    server.fail(false);
                    self.stage.away.remove(&name);
                    self.ledger.answers(&name, now);
                }
            } else if !all_back && self.rng.permille(15) {
                server.fail(true);
                self.stage.away.insert(name);
            } else if self.rng.permille(6) {
                // What it counted is read by now.
                server.forget();
            } else if let Server::Keys(driver, _) = &server {
                if self.rng.permille(10) {
                    driver.restart();
                }
                if self.rng.permille(50) {
                    driver.lose_answers(1);
                }
            }
        }
        self.stage.stir();
        self.stage.settle().await;
    }

    /// Everybody who is here does something; `false` when nobody does.
    fn act(&mut self, first: bool) -> bool {
        let now = self.stage.now();
        let mut any = false;
        for (id, person) in &mut self.people {
            for deed in person.next(first, &self.others, &self.nodes) {
                any = true;
                self.updates += 1;
                let world = &self.stage.world;
                let language = person.language();
                let (update, raw) = match deed {
                    Deed::Says(text) => {
                        self.words.insert(*id);
                        world.update(person.id, json!({"text": text, "lang": language}))
                    }
                    Deed::Sends(kind) => {
                        self.words.insert(*id);
                        world.update(person.id, json!({"kind": kind, "lang": language}))
                    }
                    Deed::Presses(button, message) => {
                        let callback = format!("press {}", self.updates);
                        wish(&mut self.wishes, *id, now, &button);
                        self.presses.insert(callback.clone());
                        let fields = json!({
                            "button": button.encode(), "message": message, "callback": callback, "lang": language,
                        });
                        world.update(person.id, fields)
                    }
                    Deed::Blocks(blocked) => {
                        self.stage.telegram.block(person.id, blocked);
                        change(&mut self.wishes, *id, now, |wishes| wishes.blocked = blocked);
                        world.update(person.id, json!({"blocked": blocked}))
                    }
                };
                self.stage.world.source.push(update, raw);
            }
        }
        any
    }

    /// Kills something in the middle of the work, at times; `true` when messages may come twice.
    async fn strike(&mut self) -> bool {
        // Seldom, since the program then waits for a whole second.
        if self.rng.permille(8) {
            self.stage.telegram.hiccup(1);
        }
        if self.rng.permille(6) {
            self.deaths += 1;
            self.stage.crash().await;
            return true;
        }
        if !self.rng.permille(100) {
            return false;
        }
        let mut paths: Vec<String> = ACTORS.iter().map(|path| (*path).to_owned()).collect();
        paths.extend(self.stage.servers.iter().map(|(name, server)| match server {
            Server::Tunnels(_) => format!("duty/node/{name}"),
            Server::Keys(..) => format!("duty/key_node/{name}"),
        }));
        let path = self.rng.pick(&paths).unwrap();
        if self.stage.system.kill(path).await {
            self.deaths += 1;
        }
        SENDERS.contains(&path.as_str())
    }

    /// People read what came.
    fn read(&mut self, repeats: bool) {
        assert!(self.stage.telegram.repeated() == 0 || repeats, "a message came twice, and nobody was killed");
        for arrived in self.stage.telegram.news() {
            let chat = arrived.message.chat;
            if let Some(callback) = &arrived.message.content.callback_id {
                assert!(self.presses.remove(callback), "a press is answered once: {callback}");
            }
            if arrived.message.priority == Priority::Reply {
                self.words.remove(&chat.0);
            }
            let mut notice = |service: &usipipo_actors::domain::ids::ServiceId, kind| {
                self.notices.push((arrived.at, chat.0, service.0, kind));
            };
            match &arrived.message.content.body {
                Some(Body::Ended { service }) => notice(service, "ended"),
                Some(Body::Reminder { service, reminder }) => notice(service, reminder.as_str()),
                Some(Body::QuotaNear { service }) => notice(service, "quota_near"),
                Some(Body::OverQuota { service }) => notice(service, "over_quota"),
                Some(Body::Screen { screen: Screen::Ready { service }, .. }) => {
                    self.shown.entry(service.0).or_default().ready += 1;
                }
                Some(Body::Screen { screen: Screen::Renewed { service }, .. }) => {
                    self.shown.entry(service.0).or_default().renewed += 1;
                }
                Some(Body::Screen { screen: Screen::Revoked { service }, .. }) => {
                    self.shown.entry(service.0).or_default().revoked += 1;
                }
                _ => {}
            }
            if let Some(person) = self.people.get_mut(&chat.0) {
                person.reads(&arrived, &self.nodes);
            }
        }
    }
}

type AllWishes = BTreeMap<i64, Vec<(DateTime<Utc>, Wishes)>>;

fn change(all: &mut AllWishes, user: i64, now: DateTime<Utc>, change: impl FnOnce(&mut Wishes)) {
    let of = all.get_mut(&user).unwrap();
    let mut wishes = of.last().unwrap().1.clone();
    change(&mut wishes);
    of.push((now, wishes));
}

/// A press that sets something.
fn wish(all: &mut AllWishes, user: i64, now: DateTime<Utc>, button: &Button) {
    match button {
        Button::Reminders { on } => change(all, user, now, |wishes| wishes.reminders = *on),
        Button::Quiet { on } => change(all, user, now, |wishes| wishes.quiet = if *on { QUIET } else { (0, 0) }),
        Button::Language(lang) => change(all, user, now, |wishes| wishes.language = lang.code().to_owned()),
        Button::TimeZone(zone) => change(all, user, now, |wishes| wishes.zone.clone_from(zone)),
        _ => {}
    }
}
