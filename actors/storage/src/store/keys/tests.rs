#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::super::fixture::{ANA, World, at, bodies, days};
use crate::model::{KeyNodeRow, KeyRow, KeyStanding, Thing};
use secrecy::ExposeSecret as _;
use usipipo_domain::access::KeySecret;
use usipipo_domain::dialogue::{Act, Effect};
use usipipo_domain::ids::ServiceId;
use usipipo_domain::outgoing::{Body, Place};
use usipipo_domain::screen::Screen;
use usipipo_domain::service::{Product, ServiceStatus};

impl World {
    async fn key(&self, node: &KeyNodeRow, service: ServiceId) -> KeyRow {
        let keys = self.store.keys_of(node.id).await.unwrap();
        keys.into_iter().rfind(|key| key.service == service).expect("the service has a key")
    }
}

fn ready(service: ServiceId) -> [Body; 2] {
    [Body::Screen { screen: Screen::Ready { service }, place: Place::Progress }, Body::ConfigFile { service }]
}

#[tokio::test]
async fn a_key_opens_its_service_and_its_owner_gets_it_once() {
    let world = World::new().await;
    let (store, epoch) = (&world.store, world.epoch);
    for (product, length) in [(Product::Mtproto, 30), (Product::Outline, 7)] {
        let node = world.db.seed_key_node(product.as_str(), product).await;
        let service = world.db.seed_key_service(store, epoch, ANA, &node, at(0)).await;
        let work = store.key_work(node.id, 10).await.unwrap();
        let [key] = work.as_slice() else { panic!("{work:?}") };
        assert_eq!((key.service, key.wanted, key.applied), (service, KeyStanding::Open, KeyStanding::Absent));
        assert!(!store.may_remove_key(node.id, &key.name).await.unwrap());
        assert!(store.may_remove_key(node.id, "somebody").await.unwrap());

        let told = store.keys_applied(epoch, node.id, &[(key.id, KeyStanding::Open)], at(5)).await.unwrap();
        assert_eq!(bodies(&told), ready(service));
        assert!(store.keys_applied(epoch, node.id, &[(key.id, KeyStanding::Open)], at(6)).await.unwrap().is_empty());
        assert!(store.key_work(node.id, 10).await.unwrap().is_empty());
        let card = store.card(ANA, service).await.unwrap().unwrap();
        assert_eq!((card.status, card.ends_at), (ServiceStatus::Active, Some(at(5) + days(length))));
        assert_eq!(
            (card.product, card.trial, card.free),
            (product, product == Product::Outline, product == Product::Mtproto)
        );

        let config = store.client_config(ANA, service).await.unwrap().unwrap();
        match (config.thing, key.secret.as_ref().unwrap()) {
            (Thing::Outline { password, host, port }, KeySecret::Outline(known)) => {
                assert_eq!((password.expose_secret(), host.as_str(), port), (known.as_str(), "keys.example.org", 443));
                assert!(key.name.parse::<u64>().unwrap() >= 1_000_000_000, "a range that the server does not reach");
            }
            (Thing::Mtproto { secret, domain, .. }, known) => {
                assert_eq!((&secret, domain), (known, None));
                assert_eq!(key.name, format!("u{service}-1"));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_new_key_takes_the_place_of_the_old_one_on_the_same_server() {
    let world = World::new().await;
    let (store, epoch) = (&world.store, world.epoch);
    let node = world.db.seed_key_node("paris", Product::Mtproto).await;
    let service = world.db.seed_key_service(store, epoch, ANA, &node, at(0)).await;
    let old = world.key(&node, service).await;
    store.keys_applied(epoch, node.id, &[(old.id, KeyStanding::Open)], at(0)).await.unwrap();
    let asked = world.act(ANA, Act::Do(Effect::OfferRotate(service)), at(1)).await;
    let Some(Body::Screen { screen: Screen::AskRotate { offer, .. }, .. }) = asked.first() else { panic!("{asked:?}") };
    let needs = store.offer_needs(ANA, *offer, at(1)).await.unwrap();
    assert_eq!(needs, crate::model::OfferNeeds::Secret { product: Product::Mtproto, node: node.id });
    let accept = Act::Do(Effect::Accept { offer: *offer, own_key: None, node: None });
    let key = crate::testing::prepared_key(&node);
    world.db.act(store, epoch, ANA, accept, |step| step.prepared_key = Some(key.clone()), at(1)).await.unwrap();

    let work = store.key_work(node.id, 10).await.unwrap();
    let [new, gone] = work.as_slice() else { panic!("{work:?}") };
    assert_eq!((new.wanted, new.name.as_str()), (KeyStanding::Open, format!("u{service}-2").as_str()));
    assert_eq!(new.secret.as_ref(), Some(&key.secret));
    assert_eq!((gone.id, gone.wanted, gone.retired), (old.id, KeyStanding::Absent, true));
    assert!(store.may_remove_key(node.id, &old.name).await.unwrap());
    store.keys_removed(epoch, node.id, &[old.id], at(2)).await.unwrap();
    let told = store.keys_applied(epoch, node.id, &[(new.id, KeyStanding::Open)], at(3)).await.unwrap();
    assert_eq!(bodies(&told), ready(service));
    assert_eq!(store.keys_of(node.id).await.unwrap().len(), 1);
    let card = store.card(ANA, service).await.unwrap().unwrap();
    assert_eq!(card.ends_at, Some(at(0) + days(30)), "a new key is no new period");
}

#[tokio::test]
async fn a_key_whose_name_somebody_else_has_gets_another_and_still_opens() {
    let world = World::new().await;
    let (store, epoch) = (&world.store, world.epoch);
    let node = world.db.seed_key_node("paris", Product::Outline).await;
    let service = world.db.seed_key_service(store, epoch, ANA, &node, at(0)).await;
    let old = world.key(&node, service).await;
    store.rename_key(epoch, node.id, old.id, at(1)).await.unwrap();
    let new = world.key(&node, service).await;
    assert_ne!(new.name, old.name);
    assert_eq!((new.id, new.secret), (old.id, old.secret));
    store.keys_applied(epoch, node.id, &[(old.id, KeyStanding::Open)], at(2)).await.unwrap();
    store.rename_key(epoch, node.id, old.id, at(3)).await.unwrap();
    assert_eq!(world.key(&node, service).await.name, new.name, "it is in use");
}

#[tokio::test]
async fn fault_28_secrets_of_keys_do_not_lie_in_the_rows_and_belong_to_one_row() {
    let world = World::new().await;
    let (store, epoch) = (&world.store, world.epoch);
    let node = world.db.seed_key_node("paris", Product::Outline).await;
    let service = world.db.seed_key_service(store, epoch, ANA, &node, at(0)).await;
    let key = world.key(&node, service).await;
    let Some(KeySecret::Outline(password)) = &key.secret else { panic!("{key:?}") };
    let found = format!("SELECT count(*) AS n FROM access_keys WHERE position('{password}'::bytea IN secret) > 0");
    assert_eq!(world.db.number(&found).await, 0);
    let both = world.db.vault().with_new_key().unwrap();
    let rotated = crate::Store::connect(&world.db.options(), both).unwrap();
    assert_eq!(rotated.rotate_secrets().await.unwrap(), 3, "two servers and a key");
    assert_eq!(rotated.rotate_secrets().await.unwrap(), 0);
    assert_eq!(rotated.keys_of(node.id).await.unwrap()[0].secret, key.secret);
    world.db.execute("UPDATE access_keys SET name = '7'").await;
    assert_eq!(rotated.keys_of(node.id).await.unwrap()[0].secret, None, "it is sealed for its name");
}
