#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::super::fixture::{ANA, BEA, World, at, days, tunnel};
use super::page_of;
use usipipo_domain::dialogue::{Act, Effect};
use usipipo_domain::ids::{ServiceId, UserId};
use usipipo_domain::screen::Screen;
use usipipo_domain::service::{Product, ServiceStatus, SuspendReason};
use usipipo_domain::wg::PrivateKey;

#[test]
fn a_page_beyond_the_last_one_is_the_last_one() {
    for (total, asked, expected) in
        [(0, 0, (0, 1)), (0, 9, (0, 1)), (8, 0, (0, 1)), (9, 1, (1, 2)), (17, 9, (2, 3)), (u64::MAX, 0, (0, u16::MAX))]
    {
        assert_eq!(page_of(total, asked, 8), expected, "{total} {asked}");
    }
    assert_eq!(page_of(3, 0, 0), (0, 3), "no division by zero");
}

#[tokio::test]
async fn a_card_shows_everything_about_ones_own_service_and_nothing_of_others() {
    let world = World::new().await;
    let (service, peer) = world.active(ANA, 2).await;
    world.active(BEA, 3).await;
    let card = world.store.card(ANA, service).await.unwrap().unwrap();
    assert_eq!((card.user, card.name.as_str(), card.status), (ANA, "WireGuard 1", ServiceStatus::Active));
    assert_eq!((card.node, card.node_name.as_str(), card.node_place.as_str()), (world.node.node, "miami", "Miami"));
    assert!(card.node_up && !card.node_config_only && card.trial && !card.own_key && card.lease.is_some());
    assert_eq!((card.addresses, card.public_key), (peer.addresses, Some(peer.public_key)));
    assert_eq!((card.quota_bytes, card.used(), card.last_handshake), (Some(5_000_000_000), 0, None));
    assert_eq!((card.created_at, card.activated_at, card.ends_at), (at(0), Some(at(0)), Some(at(0) + days(7))));

    assert!(world.store.card(BEA, service).await.unwrap().is_none());
    assert!(world.store.client_config(BEA, service).await.unwrap().is_none());
    assert!(world.store.card(ANA, ServiceId(i64::MAX)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_config_holds_keys_that_fit_each_other() {
    let world = World::new().await;
    let (service, peer) = world.pending(ANA, 2).await;
    let config = world.store.client_config(ANA, service).await.unwrap().unwrap();
    let config = tunnel(config);
    assert_eq!(config.private_key.unwrap().public_key(), peer.public_key);
    assert_eq!(Some(config.preshared_key), peer.preshared_key);
    assert_eq!(config.server_key, world.node.public_key);
    assert_eq!((config.endpoint.as_str(), config.mtu), ("vpn.example.org:51820", 1420));
    assert_eq!(config.dns, ["1.1.1.1"]);
}

#[tokio::test]
async fn a_users_own_key_has_no_private_half_here() {
    let world = World::new().await;
    let offer = world.db.seed_trial_offer(&world.store, world.epoch, ANA, at(0)).await;
    let own = PrivateKey::from_random([9; 32]).public_key();
    let accept = Act::Do(Effect::Accept { offer, own_key: Some(own), node: None });
    let prepared = crate::testing::prepared(&world.node, 2);
    world.db.act(&world.store, world.epoch, ANA, accept, |step| step.prepared = Some(prepared), at(0)).await.unwrap();
    let page = world.store.services_of(ANA, &Product::ALL, 0, 8).await.unwrap();
    assert!(page.rows[0].own_key);
    let config = world.store.client_config(ANA, page.rows[0].id).await.unwrap().unwrap();
    assert_eq!(config.card.public_key, Some(own));
    assert!(tunnel(config).private_key.is_none());
}

#[tokio::test]
async fn fault_28_keys_do_not_lie_in_the_rows() {
    let world = World::new().await;
    let (service, _) = world.pending(ANA, 2).await;
    let config = world.store.client_config(ANA, service).await.unwrap().unwrap();
    let config = tunnel(config);
    let private = config.private_key.unwrap();
    for secret in [private.expose(), config.preshared_key.expose(), world.node.private_key.expose()] {
        let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        let found = format!(
            "SELECT (SELECT count(*) FROM peers WHERE position('\\x{hex}'::bytea IN preshared_key || coalesce(private_key, '')) > 0)
                  + (SELECT count(*) FROM nodes WHERE position('\\x{hex}'::bytea IN private_key) > 0) AS n"
        );
        assert_eq!(world.db.number(&found).await, 0);
    }
}

#[tokio::test]
async fn suspended_and_ended_services_have_a_card_but_no_config() {
    let world = World::new().await;
    let (suspended, _) = world.active(ANA, 2).await;
    world.store.expire_due(world.epoch, at(0) + days(7), 10).await.unwrap();
    let card = world.store.card(ANA, suspended).await.unwrap().unwrap();
    assert_eq!(card.reasons, [SuspendReason::Expiry]);
    assert!(world.store.client_config(ANA, suspended).await.unwrap().is_none());

    let (revoked, _) = world.active(BEA, 3).await;
    world.revoke(BEA, revoked, at(5)).await;
    let card = world.store.card(BEA, revoked).await.unwrap().unwrap();
    assert_eq!((card.status, card.lease, card.public_key, card.own_key), (ServiceStatus::Revoked, None, None, false));
    assert!(world.store.client_config(BEA, revoked).await.unwrap().is_none());
}

#[tokio::test]
async fn services_are_paged_newest_first_and_those_long_over_are_left_out() {
    let world = World::new().await;
    world.many(12).await;
    world
        .db
        .execute(
            "UPDATE services SET user_id = 1000;
             UPDATE services SET status = 'revoked', ended_at = '2026-11-18T00:00:00Z' WHERE id = 1003;
             UPDATE services SET status = 'revoked', ended_at = '2026-11-10T00:00:00Z' WHERE id = 1004;
             UPDATE users SET last_seen_at = '2026-11-20T00:00:00Z' WHERE id = 1000",
        )
        .await;
    let user = UserId(1000);
    let ids = async |page| {
        let page = world.store.services_of(user, &Product::ALL, page, 5).await.unwrap();
        (page.rows.iter().map(|card| card.id.0).collect::<Vec<_>>(), page.page, page.pages, page.total)
    };
    assert_eq!(ids(0).await, (vec![1011, 1010, 1009, 1008, 1007], 0, 3, 11));
    assert_eq!(ids(2).await, (vec![1000], 2, 3, 11));
    assert_eq!(ids(900).await, (vec![1000], 2, 3, 11));
    assert!(ids(1).await.0.contains(&1003), "ended within the week");
    let nobody = world.store.services_of(UserId(77), &Product::ALL, 3, 5).await.unwrap();
    assert_eq!((nobody.rows.len(), nobody.page, nobody.pages, nobody.total), (0, 0, 1, 0));
}

#[tokio::test]
async fn a_list_of_some_products_is_paged_as_if_there_were_no_others() {
    let world = World::new().await;
    world.many(10).await;
    world
        .db
        .execute(
            "UPDATE services SET user_id = 1000 WHERE id < 1009;
             UPDATE services SET product = 'mtproto' WHERE id IN (1001, 1004, 1006, 1009);
             UPDATE services SET product = 'outline' WHERE id IN (1002, 1005);
             UPDATE services SET status = 'revoked', ended_at = '2026-11-10T00:00:00Z' WHERE id = 1006;
             UPDATE users SET last_seen_at = '2026-11-20T00:00:00Z' WHERE id = 1000",
        )
        .await;
    let listed = async |products: &[Product], page| {
        let page = world.store.services_of(UserId(1000), products, page, 2).await.unwrap();
        assert!(page.rows.iter().all(|card| products.contains(&card.product) && card.user == UserId(1000)));
        (page.rows.iter().map(|card| card.id.0).collect::<Vec<_>>(), page.page, page.pages, page.total)
    };
    let vpn = [Product::Wireguard, Product::Outline];
    assert_eq!(listed(&vpn, 0).await, (vec![1008, 1007], 0, 3, 6));
    assert_eq!(listed(&vpn, 1).await, (vec![1005, 1003], 1, 3, 6));
    assert_eq!(listed(&vpn, 9).await, (vec![1002, 1000], 2, 3, 6));
    assert_eq!(
        listed(&[Product::Mtproto], 0).await,
        (vec![1004, 1001], 0, 1, 2),
        "without those long over and of others"
    );
    assert_eq!(listed(&[], 0).await, (vec![], 0, 1, 0));
    let all = world.store.services_of(UserId(1000), &Product::ALL, 0, 20).await.unwrap();
    assert_eq!((all.total, all.rows.len()), (8, 8));
}

#[tokio::test]
async fn a_viewer_has_a_row_and_perhaps_a_screen() {
    let world = World::new().await;
    assert!(world.store.viewer(ANA).await.unwrap().is_none());
    let (service, _) = world.pending(ANA, 2).await;
    let viewer = world.store.viewer(ANA).await.unwrap().unwrap();
    assert_eq!(
        (viewer.user.id, viewer.user.first_name.as_str(), viewer.user.tz.as_str()),
        (ANA, "Ana", "America/Havana")
    );
    assert!(viewer.current.is_none() && !viewer.user.blocked);

    let screen = serde_json::to_string(&Screen::Card { service }).unwrap();
    let show = |screen: &str| {
        format!(
            "INSERT INTO dialogues VALUES ({ANA}, 1, '\"Idle\"', '{screen}', 7, '{now}')
             ON CONFLICT (user_id) DO UPDATE SET screen = excluded.screen, screen_message_id = 7, screen_at = excluded.screen_at",
            now = at(3)
        )
    };
    world.db.execute(&show(&screen)).await;
    let viewer = world.store.viewer(ANA).await.unwrap().unwrap();
    assert_eq!(viewer.current, Some((7, Screen::Card { service }, at(3))));
    // A screen that only another version knows.
    world.db.execute(&show("{\"Hologram\": 1}")).await;
    assert_eq!(world.store.viewer(ANA).await.unwrap().unwrap().current, None);
}

#[tokio::test]
async fn a_key_moved_to_another_row_does_not_open() {
    let world = World::new().await;
    let (one, _) = world.pending(ANA, 2).await;
    let (two, _) = world.pending(BEA, 3).await;
    let steal = format!(
        "UPDATE peers SET private_key = (SELECT private_key FROM peers WHERE service_id = {one}) WHERE service_id = {two}"
    );
    world.db.execute(&steal).await;
    let stolen = world.store.client_config(BEA, two).await;
    assert!(matches!(stolen, Err(crate::StoreError::Vault(_))), "{stolen:?}");
}
