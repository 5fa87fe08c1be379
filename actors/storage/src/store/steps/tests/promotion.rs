//! Promotion tags of proxy servers.

use super::*;
use crate::model::ServerChanged;
use crate::{Store, Vault};
use secrecy::{ExposeSecret as _, SecretString};
use usipipo_domain::access::KeySecret;
use usipipo_domain::dialogue::State;
use usipipo_domain::ids::NodeId;
use usipipo_domain::promotion::{AdTag, PromotionStep, TagError};
use usipipo_domain::service::{NodeChange, Product};

const TAG: &str = "3f40462915a3e6026a4d790127b95ded";

fn tag(bytes: &KeySecret) -> AdTag {
    let KeySecret::Mtproto(bytes) = bytes else { panic!("a proxy has such a secret") };
    AdTag::parse(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()).unwrap()
}

impl World {
    async fn paste(&self, node: NodeId, tags: Vec<AdTag>) -> (StepDone, Screen) {
        let done = self.act(ANA, Act::Do(Effect::SetAdTag { node, tags })).await;
        let screen = shows(&done).clone();
        (done.unwrap(), screen)
    }
}

#[tokio::test]
async fn a_registration_has_a_secret_of_nobodys_until_the_tag_is_there() {
    let world = World::new().await;
    let node = world.db.seed_key_node("rome", Product::Mtproto).await;
    let service = world.db.seed_key_service(&world.store, world.epoch, BETO, &node, now()).await;
    assert!(world.store.promotion(node.id).await.unwrap().unwrap().secret.is_none());
    let begin = || Act::Do(Effect::BeginPromotion(node.id));
    let first = world.act(ANA, begin()).await;
    assert_eq!(shows(&first), &Screen::Promotion { node: node.id, step: PromotionStep::Start, error: None });
    let row = world.store.promotion(node.id).await.unwrap().unwrap();
    assert_eq!((row.host.as_str(), row.port, row.tag), ("keys.example.org", 443, None));
    let secret = row.secret.unwrap();
    world.act(ANA, begin()).await.unwrap();
    assert_eq!(
        world.store.promotion(node.id).await.unwrap().unwrap().secret.as_ref(),
        Some(&secret),
        "it may be half registered"
    );

    // Neither that secret nor one of a user is the tag, and nothing is lost by pasting them.
    let users = world.store.keys_of(node.id).await.unwrap().remove(0);
    assert_eq!(users.service, service);
    let users = users.secret.unwrap();
    assert_ne!(users, secret);
    for wrong in [&secret, &users] {
        let (done, screen) = world.paste(node.id, vec![tag(wrong)]).await;
        let error = Some(TagError::Secret);
        assert_eq!(screen, Screen::Promotion { node: node.id, step: PromotionStep::Tag, error });
        assert_eq!(done.state, State::AwaitAdTag { node: node.id });
    }
    assert!(world.store.promotion(node.id).await.unwrap().unwrap().secret.is_some());

    let right = AdTag::parse(TAG).unwrap();
    let (done, screen) = world.paste(node.id, vec![tag(&secret), right.clone()]).await;
    assert_eq!((screen, done.state, done.wake), (Screen::Promoted { node: node.id }, State::Idle, vec![node.id]));
    let row = world.store.promotion(node.id).await.unwrap().unwrap();
    assert_eq!((row.tag.as_ref(), row.secret.is_none()), (Some(&right), true));
    assert_eq!(world.store.keys_of(node.id).await.unwrap()[0].ad_tag.as_ref(), Some(&right));
    let audit = "SELECT string_agg(details::text, ' ') AS t FROM audit WHERE action LIKE 'node.%ad_tag' OR action = 'node.begin_promotion'";
    let said = world.db.text(audit).await;
    assert!(said.contains(TAG) && !said.contains(tag(&secret).as_str()), "{said}");

    world.act(ANA, Act::Do(Effect::ClearAdTag(node.id))).await.unwrap();
    assert_eq!(world.store.keys_of(node.id).await.unwrap()[0].ad_tag, None);
}

#[tokio::test]
async fn only_servers_of_proxies_are_promoted() {
    let world = World::new().await;
    let outline = world.db.seed_key_node("paris", Product::Outline).await;
    for node in [outline.id, NodeId(999)] {
        assert!(world.store.promotion(node).await.unwrap().is_none());
        assert_eq!(shows(&world.act(ANA, Act::Do(Effect::BeginPromotion(node))).await), &Screen::Nodes);
        let tags = vec![AdTag::parse(TAG).unwrap()];
        assert_eq!(world.paste(node, tags).await.1, Screen::Nodes);
    }
}

#[tokio::test]
async fn the_secret_of_a_registration_is_sealed_anew_with_the_others_and_goes_with_its_server() {
    let world = World::new().await;
    let node = world.db.seed_key_node("rome", Product::Mtproto).await;
    world.act(ANA, Act::Do(Effect::BeginPromotion(node.id))).await.unwrap();
    let before = world.store.promotion(node.id).await.unwrap().unwrap().secret.unwrap();

    let both = world.db.vault().with_new_key().unwrap();
    let newest = both.to_text();
    let newest = newest.expose_secret().lines().find(|line| !line.starts_with('#')).unwrap().to_owned();
    let newest = Vault::from_text(&SecretString::from(newest)).unwrap();
    Store::connect(&world.db.options(), both).unwrap().rotate_secrets().await.unwrap();
    let store = Store::connect(&world.db.options(), newest).unwrap();
    assert_eq!(store.promotion(node.id).await.unwrap().unwrap().secret, Some(before), "the old key may be dropped");

    let removed = world.store.change_node("rome", NodeChange::Remove, now()).await.unwrap();
    assert!(matches!(removed, ServerChanged::Yes { .. }), "{removed:?}");
    let left = "SELECT count(*) AS n FROM nodes WHERE access IS NOT NULL OR promotion_secret IS NOT NULL";
    assert_eq!(world.db.number(left).await, 0, "a removed server leaves no secret behind");
}
