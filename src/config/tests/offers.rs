//! Plans, the grace, quiet hours.

use super::*;
use usipipo_actors::domain::lifecycle::QuietHours;
use usipipo_actors::domain::plan::PlanKind;
use usipipo_actors::domain::service::Product;

#[test]
fn without_plans_there_are_the_usual_ones_with_trials_as_set() {
    let plans = inspect("[trial]\ndays = 3\nquota_gb = 2\n").unwrap().settings.plans;
    assert_eq!(plans.len(), PlanSpec::defaults().len());
    for plan in plans {
        match plan.kind {
            PlanKind::Trial => assert_eq!((plan.days, plan.quota_bytes), (3, Some(2_000_000_000))),
            PlanKind::Free | PlanKind::Paid => assert!(PlanSpec::defaults().contains(&plan), "{}", plan.code),
        }
    }
}

#[test]
fn plans_of_the_settings_take_the_place_of_the_usual_ones() {
    let text = "
        [trial]
        days = 2
        [[plans]]
        code = 'try'
        product = 'outline'
        kind = 'trial'
        [[plans]]
        code = 'month'
        product = 'mtproto'
        kind = 'paid'
        price_cents = 50
        quota_gb = 7
        devices = 3
    ";
    let loaded = load_text(text, Needs::Inspection, &around().with("USIPIPO_PLANS__1__DAYS", "31")).unwrap();
    let [trial, month] = loaded.settings.plans.as_slice() else { panic!("two plans") };
    assert_eq!((trial.days, trial.quota_bytes, trial.devices), (2, Some(5_000_000_000), None));
    let wanted = PlanSpec {
        code: "month".to_owned(),
        product: Product::Mtproto,
        kind: PlanKind::Paid,
        days: 31,
        price_cents: 50,
        quota_bytes: Some(7_000_000_000),
        devices: Some(3),
    };
    assert_eq!(month, &wanted);
    let again = inspect(&render(&loaded)).unwrap();
    assert_eq!(again.settings.plans, loaded.settings.plans);
}

#[test]
fn mistakes_with_plans_are_told_by_key() {
    let plan = |code: &str, rest: &str| format!("[[plans]]\ncode = '{code}'\nproduct = 'outline'\n{rest}\n");
    for (text, key) in [
        ("[[plans]]\ncode = 'a'\nkind = 'free'\n".to_owned(), "plans[0].product"),
        (plan("A b", "kind = 'free'"), "plans[0].code"),
        (plan("a", "kind = 'gift'"), "plans[0].kind"),
        (plan("a", "kind = 'paid'"), "plans[0].price_cents"),
        (plan("a", "kind = 'free'\nprice_cents = 1"), "plans[0].price_cents"),
        (plan("a", "kind = 'free'\ndays = 0"), "plans[0].days"),
        (format!("{}{}", plan("a", "kind = 'free'"), plan("a", "kind = 'trial'")), "plans[1].code"),
        (format!("{}{}", plan("a", "kind = 'free'"), plan("b", "kind = 'free'")), "plans[1].kind"),
    ] {
        assert_eq!(keys_of(&inspect(&text).unwrap_err()), [key], "{text}");
    }
}

#[test]
fn quiet_hours_are_hours_or_off() {
    let of = |text: &str| inspect(&format!("[notices]\nquiet = '{text}'\n")).map(|loaded| loaded.settings.quiet);
    assert_eq!(of("off").unwrap(), Quiet(None));
    assert_eq!(of("23:30-07:05").unwrap(), Quiet(QuietHours::new(23 * 60 + 30, 7 * 60 + 5)));
    for wrong in ["", "never", "22-8", "24:00-08:00", "22:60-08:00", "08:00-08:00", "+2:00-08:00"] {
        assert_eq!(keys_of(&of(wrong).unwrap_err()), ["notices.quiet"], "{wrong}");
    }
}

#[test]
fn the_grace_and_the_number_of_services_are_settings_without_a_section() {
    let around = around().with("USIPIPO_GRACE_HOURS", "0").with("USIPIPO_SERVICES_MAX", "2");
    let settings = load_text("", Needs::Inspection, &around).unwrap().settings;
    assert_eq!((settings.grace, settings.services_max), (Duration::ZERO, 2));
    let usual = inspect("").unwrap().settings;
    assert_eq!((usual.grace, usual.services_max), (Duration::from_secs(48 * 3600), 5));
}
