//! The tables, as the checks read them.

use crate::stage::Stage;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

type Time = DateTime<Utc>;

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ServiceRow {
    pub(crate) id: i64,
    pub(crate) user_id: i64,
    pub(crate) product: String,
    pub(crate) trial: bool,
    pub(crate) free: bool,
    pub(crate) granted: bool,
    pub(crate) node_id: i32,
    pub(crate) status: String,
    pub(crate) reasons: Vec<String>,
    pub(crate) days: i64,
    pub(crate) quota_bytes: Option<u64>,
    pub(crate) used: u64,
    pub(crate) quota_base: u64,
    pub(crate) period: u32,
    pub(crate) created_at: Time,
    pub(crate) ends_at: Option<Time>,
    pub(crate) ended_at: Option<Time>,
    pub(crate) late_told_at: Option<Time>,
}

impl ServiceRow {
    pub(crate) fn is_live(&self) -> bool {
        matches!(self.status.as_str(), "pending" | "active" | "suspended")
    }

    pub(crate) fn is_carried(&self) -> bool {
        matches!(self.status.as_str(), "pending" | "active")
    }
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct LeaseRow {
    pub(crate) id: i64,
    pub(crate) node_id: i32,
    pub(crate) pool_node: i32,
    pub(crate) pool_purpose: String,
    pub(crate) inside: bool,
    pub(crate) service_id: i64,
    pub(crate) v4: Option<String>,
    pub(crate) v6: Option<String>,
    pub(crate) state: String,
    pub(crate) created_at: Time,
    pub(crate) quarantine_until: Option<Time>,
    pub(crate) released_at: Option<Time>,
}

/// A peer or a key.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct KeyRow {
    pub(crate) service_id: i64,
    pub(crate) node_id: i32,
    /// The public key in base64, or the key's name.
    pub(crate) name: String,
    pub(crate) retired_at: Option<Time>,
    pub(crate) removed_at: Option<Time>,
    pub(crate) told_at: Option<Time>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct NodeLine {
    pub(crate) id: i32,
    pub(crate) name: String,
    pub(crate) state: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct UserLine {
    pub(crate) id: i64,
    pub(crate) language: String,
    pub(crate) tz: String,
    pub(crate) quiet_from: Option<i64>,
    pub(crate) quiet_to: Option<i64>,
    pub(crate) reminders: bool,
    pub(crate) blocked: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct AuditRow {
    pub(crate) id: i64,
    pub(crate) at: Time,
    pub(crate) user_id: Option<i64>,
    pub(crate) action: String,
    pub(crate) subject: String,
    pub(crate) details: serde_json::Value,
    pub(crate) inbox_seq: Option<i64>,
}

impl AuditRow {
    /// The number behind the slash of its subject.
    pub(crate) fn about(&self) -> i64 {
        self.subject.split_once('/').unwrap().1.parse().unwrap()
    }
}

pub(crate) struct Rows {
    pub(crate) services: BTreeMap<i64, ServiceRow>,
    pub(crate) leases: Vec<LeaseRow>,
    pub(crate) peers: Vec<KeyRow>,
    pub(crate) keys: Vec<KeyRow>,
    pub(crate) nodes: Vec<NodeLine>,
}

pub(crate) async fn read<T: DeserializeOwned>(stage: &mut Stage, select: &str) -> Vec<T> {
    let sql = format!("SELECT coalesce(jsonb_agg(to_jsonb(row))::text, '[]') AS t FROM ({select}) AS row");
    let text = stage.reader.text(&sql).await;
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("`{select}` gives other rows: {error}"))
}

impl Rows {
    pub(crate) async fn read(stage: &mut Stage) -> Self {
        let services: Vec<ServiceRow> = read(
            stage,
            "SELECT id, user_id, product, trial, free, granted, node_id, status, reasons, days, quota_bytes,
                    used_up + used_down AS used, quota_base, period, created_at, ends_at, ended_at, late_told_at
             FROM services ORDER BY id",
        )
        .await;
        Self {
            services: services.into_iter().map(|row| (row.id, row)).collect(),
            leases: read(
                stage,
                "SELECT l.id, l.node_id, p.node_id AS pool_node, p.purpose AS pool_purpose, service_id, host(l.v4) AS v4,
                        host(l.v6) AS v6, state, created_at, quarantine_until, released_at,
                        coalesce(l.v4 << p.v4, p.v4 IS NULL) AND coalesce(l.v6 << p.v6, p.v6 IS NULL) AS inside
                 FROM leases l JOIN pools p ON p.id = l.pool_id ORDER BY l.id",
            )
            .await,
            peers: read(
                stage,
                "SELECT service_id, node_id, encode(public_key, 'base64') AS name, retired_at, removed_at, told_at
                 FROM peers ORDER BY id",
            )
            .await,
            keys: read(
                stage,
                "SELECT service_id, node_id, name, retired_at, removed_at, told_at FROM access_keys ORDER BY id",
            )
            .await,
            nodes: read(stage, "SELECT id, name, state FROM nodes ORDER BY id").await,
        }
    }
}
