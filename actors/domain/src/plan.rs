//! What is on offer: plans. A plan's row never changes; a new version takes its place, and services keep what they were made with.

use crate::ids::PlanId;
use crate::service::{Product, Purpose};
use serde::{Deserialize, Serialize};

/// Longest code, in characters; codes are short enough for a button.
pub const PLAN_CODE_MAX_CHARS: usize = 24;

/// How one comes by a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlanKind {
    /// Free, once per user and product, for ever; not renewable.
    Trial,
    /// Free, one active per user and product, renewable.
    Free,
    /// For money, or granted by an admin.
    Paid,
}

impl PlanKind {
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trial => "trial",
            Self::Free => "free",
            Self::Paid => "paid",
        }
    }

    /// From storage.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Trial, Self::Free, Self::Paid].into_iter().find(|kind| kind.as_str() == text)
    }

    /// Which pool its addresses come from.
    #[must_use]
    pub const fn purpose(self) -> Purpose {
        match self {
            Self::Trial => Purpose::Trial,
            Self::Free | Self::Paid => Purpose::Paid,
        }
    }
}

/// A plan as the settings describe it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanSpec {
    /// Stable name: lower-case letters, digits and hyphens, at most [`PLAN_CODE_MAX_CHARS`].
    pub code: String,
    /// What it gives.
    pub product: Product,
    /// How one comes by it.
    pub kind: PlanKind,
    /// Length of a period, from the moment the service works, in days of 24 hours.
    pub days: u16,
    /// Price of a period in USD cents; zero unless [`PlanKind::Paid`].
    pub price_cents: u32,
    /// Traffic in a period, both directions together, bytes; `None` for unlimited.
    pub quota_bytes: Option<u64>,
    /// Devices at the same time, where the server can limit them; `None` for unlimited.
    pub devices: Option<u16>,
}

impl PlanSpec {
    /// Whether a code is well formed.
    #[must_use]
    pub fn is_code(code: &str) -> bool {
        (1..=PLAN_CODE_MAX_CHARS).contains(&code.len())
            && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    }

    /// The plans of an operator who decided nothing.
    #[must_use]
    pub fn defaults() -> Vec<Self> {
        const GB: u64 = 1_000_000_000;
        let mut plans = Vec::new();
        for (product, short) in [(Product::Wireguard, "wg"), (Product::Outline, "outline")] {
            plans.push(Self {
                code: format!("{short}-trial"),
                product,
                kind: PlanKind::Trial,
                days: 7,
                price_cents: 0,
                quota_bytes: Some(5 * GB),
                devices: None,
            });
            // A dollar a month, with 5, 15 and 25 % off for longer ones.
            for (months, days, price_cents) in [(1, 30, 100), (3, 90, 285), (6, 180, 510), (12, 360, 900)] {
                plans.push(Self {
                    code: format!("{short}-{months}m"),
                    product,
                    kind: PlanKind::Paid,
                    days,
                    price_cents,
                    quota_bytes: None,
                    devices: None,
                });
            }
        }
        plans.push(Self {
            code: "mtproto-free".to_owned(),
            product: Product::Mtproto,
            kind: PlanKind::Free,
            days: 30,
            price_cents: 0,
            quota_bytes: None,
            devices: Some(5),
        });
        plans
    }
}

/// A plan's row: the newest version of its code is on offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its row.
    pub id: PlanId,
    /// Grows when the settings change what the code means.
    pub version: i32,
    /// What it says.
    pub spec: PlanSpec,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_plans_have_distinct_well_formed_codes_and_only_paid_ones_cost_something() {
        let plans = PlanSpec::defaults();
        let mut codes: Vec<&str> = plans.iter().map(|plan| plan.code.as_str()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), plans.len());
        for plan in &plans {
            assert!(PlanSpec::is_code(&plan.code), "{}", plan.code);
            assert_eq!(plan.price_cents > 0, plan.kind == PlanKind::Paid, "{}", plan.code);
            assert!(plan.days > 0);
        }
    }

    #[test]
    fn codes_are_lower_case_and_short() {
        for (code, fits) in [("wg-1m", true), ("", false), ("WG", false), ("a b", false), (&"x".repeat(25), false)] {
            assert_eq!(PlanSpec::is_code(code), fits, "{code}");
        }
    }
}
