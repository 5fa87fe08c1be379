//! People: each has a mind of their own (a seed), reads what the bot sends, and presses what hangs on it, now or much later.

use crate::rng::Rng;
use crate::telegram::Arrived;
use chrono::{DateTime, Utc};
use usipipo_actors::domain::callback::Button;
use usipipo_actors::domain::ids::{NodeId, ServiceId, UserId};
use usipipo_actors::domain::lang::Lang;
use usipipo_actors::domain::outgoing::Body;
use usipipo_actors::domain::screen::{Os, Screen, TrialRefusal};
use usipipo_actors::domain::service::{NodeChange, Product};
use usipipo_actors::domain::wg::PrivateKey;

/// Old buttons that somebody may still press.
const OLD_MAX: usize = 24;
/// Time zones that people choose; [`crate::clocks`] knows them.
pub(crate) const ZONES: [&str; 4] = ["America/Havana", "Europe/Madrid", "Asia/Tokyo", "America/Sao_Paulo"];

/// What a person does.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    Says(String),
    Presses(Button, i32),
    Sends(&'static str),
    Blocks(bool),
}

/// A question that was asked in words.
#[derive(Debug, Clone, Copy)]
enum Asked {
    Name,
    Key,
}

/// A button and the message it hangs on.
type Hanging = (Button, i32);

pub(crate) struct Person {
    pub(crate) id: UserId,
    /// Uses much.
    pub(crate) heavy: bool,
    pub(crate) blocks: bool,
    admin: bool,
    rng: Rng,
    /// Comes so many times in a thousand looks.
    pace: u64,
    joins: DateTime<Utc>,
    language: &'static str,
    joined: bool,
    here: bool,
    /// Nothing more this time.
    done: bool,
    fresh: Vec<Hanging>,
    old: Vec<Hanging>,
    asked: Option<Asked>,
    services: Vec<ServiceId>,
}

impl Person {
    pub(crate) fn new(seed: u64, id: UserId, joins: DateTime<Utc>, admin: bool) -> Self {
        let mut rng = Rng::of(seed, u64::try_from(id.0).unwrap());
        Self {
            id,
            heavy: rng.permille(200),
            blocks: false,
            admin,
            pace: if admin { 500 } else { 4 + rng.below(24) },
            joins,
            language: rng.pick(&["es", "en-GB", "pt-br"]).unwrap(),
            joined: false,
            here: false,
            done: false,
            fresh: Vec::new(),
            old: Vec::new(),
            asked: None,
            services: Vec::new(),
            rng,
        }
    }

    pub(crate) const fn language(&self) -> &'static str {
        self.language
    }

    /// Time went on: do they look at their phone?
    pub(crate) fn wakes(&mut self, now: DateTime<Utc>) {
        self.done = false;
        let told = !self.fresh.is_empty() && self.rng.permille(300);
        self.here = now >= self.joins && (!self.joined || told || self.rng.permille(self.pace));
    }

    /// The next thing they do, if anything; `first` at the beginning of their visit.
    pub(crate) fn next(&mut self, first: bool, others: &[UserId], nodes: &[NodeId]) -> Vec<Deed> {
        if !self.here || self.done {
            return Vec::new();
        }
        if !self.joined {
            self.joined = true;
            return vec![Deed::Says("/start".to_owned())];
        }
        if self.blocks {
            // Whoever comes back says so by writing again.
            self.done = true;
            if !self.rng.permille(500) {
                return Vec::new();
            }
            self.blocks = false;
            return vec![Deed::Blocks(false)];
        }
        if first && !self.admin && self.rng.permille(25) {
            self.done = true;
            self.blocks = true;
            return vec![Deed::Blocks(true)];
        }
        if first && !self.admin && self.rng.permille(50) {
            // Alone, so that it is clear what holds at this time.
            self.done = true;
            return vec![self.setting()];
        }
        if let Some(asked) = self.asked.filter(|_| self.rng.permille(850)) {
            self.asked = None;
            return vec![self.words(asked)];
        }
        if let Some(hanging) = self.choose() {
            let deed = Deed::Presses(hanging.0.clone(), hanging.1);
            return if self.rng.permille(120) { vec![deed.clone(), deed] } else { vec![deed] };
        }
        if self.rng.permille(150)
            && let Some((button, message)) = self.rng.pick(&self.old).cloned()
        {
            return vec![Deed::Presses(button, message)];
        }
        if !first {
            self.done = true;
            return Vec::new();
        }
        vec![if self.admin { self.rule(others, nodes) } else { self.begin() }]
    }

    fn setting(&mut self) -> Deed {
        let button = match self.rng.below(7) {
            0 => Button::Reminders { on: false },
            1 | 2 => Button::Reminders { on: true },
            3 => Button::Quiet { on: false },
            4 => Button::Quiet { on: true },
            5 => Button::Language(*self.rng.pick(&Lang::ALL).unwrap()),
            _ => Button::TimeZone((*self.rng.pick(&ZONES).unwrap()).to_owned()),
        };
        Deed::Presses(button, 1)
    }

    fn words(&mut self, asked: Asked) -> Deed {
        let number = self.rng.below(100);
        Deed::Says(match asked {
            _ if self.rng.permille(80) => "/cancel".to_owned(),
            Asked::Name if self.rng.permille(150) => "x".repeat(40),
            Asked::Name => format!("Casa {number}"),
            Asked::Key if self.rng.permille(200) => "no es una clave".to_owned(),
            Asked::Key => self.key(),
        })
    }

    fn key(&mut self) -> String {
        let mut bytes = [0; 32];
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.rng.next().to_le_bytes());
        }
        PrivateKey::from_random(bytes).public_key().to_string()
    }

    /// One of the buttons of the newest messages; the others grow old.
    fn choose(&mut self) -> Option<Hanging> {
        if self.fresh.is_empty() || !self.rng.permille(900) {
            return None;
        }
        let chosen = self.rng.pick(&self.fresh).cloned();
        let fresh = std::mem::take(&mut self.fresh);
        for hanging in fresh {
            if self.old.len() < OLD_MAX {
                self.old.push(hanging);
            } else if let Ok(index) = usize::try_from(self.rng.below(OLD_MAX as u64)) {
                self.old[index] = hanging;
            }
        }
        chosen
    }

    fn begin(&mut self) -> Deed {
        let card = self.rng.pick(&self.services).copied();
        let number = self.rng.below(100);
        match number {
            0..30 => match card {
                Some(service) => Deed::Presses(Button::Card { service }, 1),
                None => Deed::Says("/trial".to_owned()),
            },
            30..62 => Deed::Presses(Button::TrialOf(*self.rng.pick(&Product::ALL).unwrap()), 1),
            62..74 => Deed::Says("/trial".to_owned()),
            74..80 => Deed::Says("/vpn".to_owned()),
            80..84 => Deed::Says("/proxy".to_owned()),
            84..88 => Deed::Says((*self.rng.pick(&["/status", "/profile", "/settings", "/help"]).unwrap()).to_owned()),
            88..91 => Deed::Says("hola, ¿qué tal?".to_owned()),
            91..94 => Deed::Sends("photo"),
            // Not theirs, and perhaps nobody's.
            94..97 => Deed::Presses(Button::Card { service: ServiceId(1 + i64::try_from(number).unwrap()) }, 1),
            _ => Deed::Says("/start".to_owned()),
        }
    }

    fn rule(&mut self, others: &[UserId], nodes: &[NodeId]) -> Deed {
        match self.rng.below(10) {
            0..5 => {
                let plans = ["wg-week", "wg-1m", "outline-1m", "mtproto-1m", "outline-free", "no-such-plan"];
                let (user, plan) = (self.rng.pick(others).unwrap(), self.rng.pick(&plans).unwrap());
                Deed::Says(format!("/grant {user} {plan}"))
            }
            5..8 => match self.rng.pick(nodes).copied() {
                Some(node) => Deed::Presses(Button::Node { node }, 1),
                None => Deed::Says("/nodes".to_owned()),
            },
            _ => Deed::Says(
                (*self.rng.pick(&["/nodes", "/pools", "/plans", "/status", "/deadletters"]).unwrap()).to_owned(),
            ),
        }
    }

    /// Reads a message and keeps the buttons under it in mind. One that says that something broke ends the test.
    pub(crate) fn reads(&mut self, arrived: &Arrived, nodes: &[NodeId]) {
        let Some(body) = &arrived.message.content.body else { return };
        let hangs_on = arrived.message_id.unwrap_or(1);
        let mut buttons: Vec<Button> = Vec::new();
        match body {
            Body::Screen { screen, .. } => self.sees(screen, nodes, &mut buttons),
            Body::ConfigFile { service } if !self.services.contains(service) => self.services.push(*service),
            Body::Ended { service } | Body::Reminder { service, .. } | Body::OverQuota { service } => {
                buttons.extend([Button::Renew { service: *service }, Button::Card { service: *service }]);
            }
            Body::QuotaNear { service } => buttons.push(Button::Card { service: *service }),
            _ => {}
        }
        self.fresh.extend(buttons.into_iter().map(|button| (button, hangs_on)));
    }

    fn sees(&mut self, screen: &Screen, nodes: &[NodeId], buttons: &mut Vec<Button>) {
        match screen {
            Screen::Apology { code } => panic!("an apology for {}: {code}", self.id),
            Screen::TrialChoice { products } => buttons.extend(products.iter().copied().map(Button::TrialOf)),
            Screen::TrialOffer { offer, product } => {
                let offer = *offer;
                buttons.extend([
                    Button::Accept { offer },
                    Button::Accept { offer },
                    Button::Servers { offer, page: 0 },
                ]);
                if *product == Product::Wireguard {
                    buttons.push(Button::OwnKey { offer });
                }
            }
            Screen::Servers { offer, .. } => {
                buttons.extend(nodes.iter().map(|node| Button::AcceptAt { offer: *offer, node: *node }));
            }
            Screen::TrialRefused { reason: TrialRefusal::HaveOne { service }, .. } => {
                buttons.extend([Button::Renew { service: *service }, Button::Card { service: *service }]);
            }
            Screen::Ready { service } => buttons.push(Button::Card { service: *service }),
            Screen::Card { service } => {
                let service = *service;
                let os = Os::Android;
                buttons.extend([
                    Button::Renew { service },
                    Button::Renew { service },
                    Button::Rename { service },
                    Button::Rotate { service },
                    Button::Move { service },
                    Button::Revoke { service },
                    Button::File { service },
                    Button::Qr { service },
                    Button::HowTo { service, os },
                ]);
            }
            Screen::AskRotate { offer, .. } => {
                buttons.extend([Button::Accept { offer: *offer }, Button::Accept { offer: *offer }]);
                buttons.extend([Button::OwnKey { offer: *offer }, Button::Cancel]);
            }
            Screen::AskRevoke { offer, .. } | Screen::AskRenew { offer, .. } => {
                buttons.extend([Button::Accept { offer: *offer }, Button::Accept { offer: *offer }, Button::Cancel]);
            }
            Screen::AskGrant { offer, .. } => buttons.push(Button::Accept { offer: *offer }),
            Screen::AskMove { offer, .. } => {
                buttons.push(Button::Accept { offer: *offer });
                buttons.extend(nodes.iter().map(|node| Button::AcceptAt { offer: *offer, node: *node }));
            }
            Screen::Node { node } if self.admin => {
                let (node, work) = (*node, [NodeChange::Drain, NodeChange::Maintain]);
                let change = *self.rng.pick(&work).unwrap();
                buttons.extend(
                    [NodeChange::Activate, NodeChange::Activate, change].map(|change| Button::AskNode { node, change }),
                );
            }
            Screen::AskNode { node, change } => buttons.push(Button::ChangeNode { node: *node, change: *change }),
            Screen::AskName { .. } => self.asked = Some(Asked::Name),
            Screen::AskOwnKey { .. } | Screen::KeyTaken { .. } => self.asked = Some(Asked::Key),
            _ => {}
        }
    }
}
