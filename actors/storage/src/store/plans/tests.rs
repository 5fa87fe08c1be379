#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::super::fixture::{ANA, World, at};
use usipipo_domain::plan::{PlanKind, PlanSpec};
use usipipo_domain::service::Product;

fn trial(specs: &mut [PlanSpec]) -> &mut PlanSpec {
    specs.iter_mut().find(|spec| spec.code == "wg-trial").unwrap()
}

#[tokio::test]
async fn a_changed_plan_becomes_a_new_version_and_changes_nothing_that_somebody_has() {
    let world = World::new().await;
    let store = &world.store;
    let mut specs = PlanSpec::defaults();
    let first = store.plans().await.unwrap();
    assert_eq!(first.iter().map(|plan| plan.spec.clone()).collect::<Vec<_>>(), specs);
    assert!(first.iter().all(|plan| plan.version == 1));
    let (service, _) = world.pending(ANA, 2).await;

    trial(&mut specs).quota_bytes = Some(1_000);
    trial(&mut specs).days = 1;
    store.ensure_plans(&specs, at(1)).await.unwrap();
    store.ensure_plans(&specs, at(2)).await.unwrap();
    let now = store.plans().await.unwrap();
    let changed = now.iter().find(|plan| plan.spec.code == "wg-trial").unwrap();
    assert_eq!((changed.version, changed.spec.days), (2, 1));
    assert_eq!(now.len(), first.len());
    let card = store.card(ANA, service).await.unwrap().unwrap();
    assert_eq!((card.days, card.quota_bytes), (7, Some(5_000_000_000)));
    let old = first.iter().find(|plan| plan.spec.code == "wg-trial").unwrap();
    assert_eq!(store.plan(old.id).await.unwrap().as_ref(), Some(old));
}

#[tokio::test]
async fn a_plan_that_is_no_longer_listed_is_withdrawn_and_may_come_back() {
    let world = World::new().await;
    let store = &world.store;
    let specs = PlanSpec::defaults();
    let less: Vec<PlanSpec> = specs.iter().filter(|spec| spec.code != "wg-trial").cloned().collect();
    store.ensure_plans(&less, at(1)).await.unwrap();
    assert!(store.plans().await.unwrap().iter().all(|plan| plan.spec.code != "wg-trial"));
    assert!(store.free_choices(ANA).await.unwrap().is_empty(), "the only server is one of WireGuard");
    store.ensure_plans(&specs, at(2)).await.unwrap();
    let back = store.plans().await.unwrap();
    assert_eq!(back.iter().find(|plan| plan.spec.code == "wg-trial").unwrap().version, 1);
    assert_eq!(store.free_choices(ANA).await.unwrap(), [(Product::Wireguard, PlanKind::Trial)]);
    let audited = world
        .db
        .text("SELECT string_agg(action, ' ' ORDER BY id) AS t FROM audit WHERE subject = 'plan/wg-trial'")
        .await;
    assert_eq!(audited, "plan.add plan.withdraw plan.restore");
}

#[tokio::test]
async fn two_processes_that_begin_at_once_add_each_plan_once() {
    let db = crate::testing::TestDatabase::new().await;
    let (one, two) = (db.store(), db.store());
    let specs = PlanSpec::defaults();
    let (first, second) = tokio::join!(one.ensure_plans(&specs, at(0)), two.ensure_plans(&specs, at(0)));
    first.unwrap();
    second.unwrap();
    let twice = "SELECT count(*) AS n FROM plans";
    assert_eq!(usize::try_from(db.number(twice).await).unwrap(), specs.len());
}
