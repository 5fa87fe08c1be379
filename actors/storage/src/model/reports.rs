//! What lists and reports show.

use chrono::{DateTime, Utc};
use ipnetwork::{Ipv4Network, Ipv6Network};
use std::time::Duration;
use usipipo_domain::alert::AlertKind;
use usipipo_domain::ids::{AlertId, DeadLetterId, NodeId, PoolId, UserId};
use usipipo_domain::service::{NodeState, Product, Purpose, ServiceStatus};

/// A page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// At most the asked number.
    pub rows: Vec<T>,
    /// From zero.
    pub page: u16,
    /// At least one.
    pub pages: u16,
    /// Rows on all pages.
    pub total: u64,
}

/// One server for admins and `/status`.
#[derive(Debug, Clone)]
pub struct NodeOverview {
    /// Its id.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// For people.
    pub place: String,
    /// ISO 3166 code, upper case; empty when not known.
    pub country: String,
    /// `wireguard`, `outline` or `telemt`.
    pub driver: String,
    /// What it is for.
    pub state: NodeState,
    /// Services that have a place on it: pending, active and suspended ones.
    pub services: u64,
    /// Most services on it, where that is not the size of its pools.
    pub capacity: Option<u64>,
    /// `kernel`, `userspace`, `auto`, `config-only` as set; `keys` for a server of keys.
    pub mode: String,
    /// It answers.
    pub up: bool,
    /// No tunnel is carried on this machine.
    pub config_only: bool,
    /// Last looked at.
    pub seen_at: Option<DateTime<Utc>>,
    /// Since when it does not answer.
    pub down_since: Option<DateTime<Utc>>,
    /// What its driver said.
    pub error: Option<String>,
    /// Working services.
    pub active: u64,
    /// Services that wait for it.
    pub pending: u64,
    /// Peers that are not ours.
    pub foreign_peers: u32,
    /// Where clients connect.
    pub endpoint: String,
}

/// One pool for admins and metrics.
#[derive(Debug, Clone)]
pub struct PoolOverview {
    /// Its id.
    pub id: PoolId,
    /// Its server.
    pub node: NodeId,
    /// Its server's name.
    pub node_name: String,
    /// Trial or paid.
    pub purpose: Purpose,
    /// IPv4 prefix.
    pub v4: Option<Ipv4Network>,
    /// IPv6 prefix.
    pub v6: Option<Ipv6Network>,
    /// Leases in use.
    pub live: u64,
    /// Leases that rest.
    pub quarantined: u64,
    /// Leases begun in the last seven days, for the forecast.
    pub begun_last_week: u64,
}

/// A failed update for admins.
#[derive(Debug, Clone)]
pub struct DeadLetterRow {
    /// Its id.
    pub id: DeadLetterId,
    /// Who.
    pub user: Option<UserId>,
    /// Which way it went.
    pub lane: String,
    /// What happened.
    pub error: String,
    /// What the user was told.
    pub code: String,
    /// How often it was tried.
    pub attempts: u16,
    /// When it was given up.
    pub created_at: DateTime<Utc>,
    /// When it was put back.
    pub replayed_at: Option<DateTime<Utc>>,
    /// The update itself, lossy text, at most 1,000 characters.
    pub excerpt: String,
}

/// An alert to render.
#[derive(Debug, Clone)]
pub struct AlertRow {
    /// Its id.
    pub id: AlertId,
    /// The condition as last raised.
    pub kind: AlertKind,
    /// Since when.
    pub opened_at: DateTime<Utc>,
    /// How often it was raised.
    pub times: u32,
    /// Over.
    pub resolved_at: Option<DateTime<Utc>>,
}

/// The whole system in numbers, for `/status` of admins, metrics and the board.
#[derive(Debug, Clone, Default)]
pub struct SystemStats {
    /// Users who ever wrote.
    pub users: u64,
    /// Users seen in the last 24 hours.
    pub users_day: u64,
    /// Services by status.
    pub services: Vec<(String, u64)>,
    /// Services by product and status, those there are.
    pub products: Vec<(Product, ServiceStatus, u64)>,
    /// Updates not yet handled.
    pub inbox_undone: u64,
    /// Age of the oldest one.
    pub inbox_oldest: Option<Duration>,
    /// Messages not yet sent, by priority (`reply`, `delivery`, `notice`).
    pub outbox_waiting: Vec<(String, u64)>,
    /// Age of the oldest one that is due.
    pub outbox_oldest: Option<Duration>,
    /// Failed updates not put back.
    pub dead_letters: u64,
    /// Open alerts.
    pub alerts: Vec<AlertRow>,
    /// Services that wait for their server, and the age of the oldest.
    pub pending_oldest: Option<Duration>,
}
