//! `[[plans]]`: what is on offer.

use super::TrialSettings;
use super::read::{Reader, Setting};
use super::source::Origin;
use std::collections::BTreeMap;
use toml::Value;
use usipipo_actors::domain::plan::{PLAN_CODE_MAX_CHARS, PlanKind, PlanSpec};
use usipipo_actors::domain::service::Product;

/// Bytes of a GB as the settings and the texts count it.
pub(super) const GB: u64 = 1_000_000_000;
/// Most plans; each is a button.
const PLANS_MAX: usize = 50;
/// Longest period, in days: ten years.
const DAYS_MAX: u16 = 3650;
/// Highest price, in USD cents.
const PRICE_MAX_CENTS: u32 = 1_000_000;
/// Highest quota, in GB.
const QUOTA_MAX_GB: u32 = 100_000;

impl Setting for Product {
    fn read(value: &Value) -> Result<Self, String> {
        let found = value.as_str().and_then(Self::parse);
        found.ok_or_else(|| "one of \"wireguard\" \"outline\" \"mtproto\"".to_owned())
    }
    fn show(&self) -> Value {
        Value::String(self.as_str().to_owned())
    }
}

impl Setting for PlanKind {
    fn read(value: &Value) -> Result<Self, String> {
        let found = value.as_str().and_then(Self::parse);
        found.ok_or_else(|| "one of \"trial\" \"free\" \"paid\"".to_owned())
    }
    fn show(&self) -> Value {
        Value::String(self.as_str().to_owned())
    }
}

/// Reads `[[plans]]`; with none, the usual ones, whose trials are as `[trial]` says.
pub(super) fn read(r: &mut Reader, trial: TrialSettings) -> Vec<PlanSpec> {
    let indices = r.indices("plans");
    if indices.is_empty() {
        return defaults(r, trial);
    }
    if indices.len() > PLANS_MAX {
        r.problem("plans", &format!("there are {} plans", indices.len()), &format!("keep at most {PLANS_MAX}"));
    }
    let plans: Vec<(usize, PlanSpec)> =
        indices.into_iter().filter_map(|index| Some((index, plan(r, index, trial)?))).collect();
    each_once(r, &plans);
    plans.into_iter().map(|(_, plan)| plan).collect()
}

fn defaults(r: &mut Reader, trial: TrialSettings) -> Vec<PlanSpec> {
    let mut plans = PlanSpec::defaults();
    for (index, plan) in plans.iter_mut().enumerate() {
        if plan.kind == PlanKind::Trial {
            plan.days = u16::try_from(trial.days).unwrap_or(DAYS_MAX);
            plan.quota_bytes = Some(u64::from(trial.quota_gb) * GB);
        }
        let number = |number: u64| Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
        let values = [
            ("code", Value::String(plan.code.clone())),
            ("product", plan.product.show()),
            ("kind", plan.kind.show()),
            ("days", number(u64::from(plan.days))),
            ("price_cents", number(u64::from(plan.price_cents))),
            ("quota_gb", number(plan.quota_bytes.unwrap_or(0) / GB)),
            ("devices", number(u64::from(plan.devices.unwrap_or(0)))),
        ];
        for (name, value) in values {
            r.show(&format!("plans[{index}].{name}"), value.to_string(), Origin::Default);
        }
    }
    plans
}

fn plan(r: &mut Reader, index: usize, trial: TrialSettings) -> Option<PlanSpec> {
    let key = |name: &str| format!("plans[{index}].{name}");
    let mut complete = true;
    for (name, remedy) in [
        ("code", "add code = \"…\", a short name that never changes"),
        ("product", "add product = \"wireguard\", \"outline\" or \"mtproto\""),
        ("kind", "add kind = \"trial\", \"free\" or \"paid\""),
    ] {
        if !r.is_given(&key(name)) {
            r.problem(&key(name), "a plan needs it", remedy);
            complete = false;
        }
    }
    let code = r.optional::<String>(&key("code"));
    if let Some(code) = &code
        && !PlanSpec::is_code(code)
    {
        let remedy = format!("use 1 to {PLAN_CODE_MAX_CHARS} lower-case letters, digits and hyphens");
        r.problem(&key("code"), &format!("{code:?} is no code of a plan"), &remedy);
    }
    let product = r.optional::<Product>(&key("product"));
    let kind = r.optional::<PlanKind>(&key("kind"));
    let is_trial = kind == Some(PlanKind::Trial);
    let days_default = if is_trial { u16::try_from(trial.days).unwrap_or(DAYS_MAX) } else { 30 };
    let days = r.number(&key("days"), days_default, 1, DAYS_MAX);
    let price_cents = r.number(&key("price_cents"), 0_u32, 0, PRICE_MAX_CENTS);
    let quota_gb = r.number(&key("quota_gb"), if is_trial { trial.quota_gb } else { 0 }, 0, QUOTA_MAX_GB);
    let devices = r.number(&key("devices"), 0_u16, 0, 1000);
    match kind {
        Some(PlanKind::Paid) if price_cents == 0 => {
            r.problem(&key("price_cents"), "a paid plan has a price", "set it, in USD cents, or kind to \"free\"");
        }
        Some(PlanKind::Trial | PlanKind::Free) if price_cents > 0 => {
            r.problem(&key("price_cents"), "what is free has no price", "remove it, or set kind to \"paid\"");
        }
        _ => {}
    }
    let (Some(code), Some(product), Some(kind), true) = (code, product, kind, complete) else { return None };
    Some(PlanSpec {
        code,
        product,
        kind,
        days,
        price_cents,
        quota_bytes: (quota_gb > 0).then(|| u64::from(quota_gb) * GB),
        devices: (devices > 0).then_some(devices),
    })
}

/// A code names one plan, and a product has one trial and one free plan.
fn each_once(r: &mut Reader, plans: &[(usize, PlanSpec)]) {
    let mut codes: BTreeMap<&str, usize> = BTreeMap::new();
    let mut gifts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (index, plan) in plans {
        if let Some(first) = codes.insert(&plan.code, *index) {
            let what = format!("plans[{first}] has the code {} too", plan.code);
            r.problem(&format!("plans[{index}].code"), &what, "give each plan its own");
        }
        if plan.kind != PlanKind::Paid
            && let Some(first) = gifts.insert((plan.product.as_str(), plan.kind.as_str()), *index)
        {
            let what = format!("plans[{first}] is a {} plan of {} too", plan.kind.as_str(), plan.product.as_str());
            r.problem(&format!("plans[{index}].kind"), &what, "keep one of them");
        }
    }
}
