//! Keys that a server acts on a while after it has them.

use super::super::settling::SETTLING_MAX;
use super::*;

const ACTIVE: &str = "SELECT count(*) AS n FROM services WHERE status = 'active'";

impl World {
    async fn pending_many(&self, users: std::ops::Range<i64>) -> Vec<String> {
        let mut names = Vec::new();
        for user in users {
            names.push(self.pending(UserId(user)).await.1.name);
        }
        names
    }

    async fn are_active(&self, count: i64) -> bool {
        self.bench.db.number(ACTIVE).await == count
    }

    fn puts(&self) -> Vec<String> {
        let put = |change| if let KeyChange::Put(name) = change { Some(name) } else { None };
        self.driver.changes().into_iter().filter_map(put).collect()
    }
}

#[tokio::test]
async fn many_keys_are_waited_for_at_once_while_others_are_put_one_after_the_other_in_their_order() {
    const MANY: i64 = 2 * SETTLING_MAX as i64 + 6;
    let world = World::with(Product::Mtproto, |limits| limits.reconcile_every = Duration::from_secs(3_600)).await;
    let settles_in = Duration::from_millis(400);
    world.driver.settles_in(settles_in);
    let names = world.pending_many(100..100 + MANY).await;
    let begin = std::time::Instant::now();
    world.start().await;
    until("all work", async || world.are_active(MANY).await).await;
    // One after the other they would take 28 seconds.
    assert!(begin.elapsed() < settles_in * u32::try_from(MANY).unwrap() / 2, "{:?}", begin.elapsed());
    assert_eq!(world.puts(), names, "each once, and who came first is first");
    assert_eq!(world.driver.most_under_way(), 1, "one change at a time");
    let most = usize::try_from(world.driver.most_settling()).unwrap();
    assert!(most > 1 && most <= SETTLING_MAX, "{most}");
    assert_eq!(world.driver.surveys(), 1);
}

#[tokio::test]
async fn more_new_keys_than_are_looked_at_together_all_come_without_waiting_for_the_next_comparison() {
    let world = World::with(Product::Mtproto, |limits| {
        (limits.reconcile_every, limits.key_batch_max) = (Duration::from_secs(3_600), 4);
    })
    .await;
    world.start().await;
    until("the server answers", async || world.up()).await;
    world.driver.settles_in(Duration::from_millis(100));
    world.pending_many(100..120).await;
    world.nudge();
    until("all work", async || world.are_active(20).await).await;
    assert_eq!(world.puts().len(), 20, "each was put once");
}

#[tokio::test]
async fn nobody_is_told_before_the_server_acts_on_the_key_and_it_is_put_once_however_often_it_is_looked_at() {
    let world = World::with(Product::Mtproto, |limits| limits.reconcile_every = Duration::from_secs(3_600)).await;
    world.start().await;
    until("the server answers", async || world.up()).await;
    world.driver.settles_in(Duration::from_millis(700));
    let (service, key) = world.pending(ANA).await;
    // Until it settles a comparison sees that the server does not act on it.
    world.driver.slow(&key.name);
    world.nudge();
    until("it is put", async || world.driver.standing(&key.name) == Open).await;
    let place = world.bench.env.directory.node(world.id()).unwrap();
    let surveys = world.driver.surveys();
    for n in 1..=3 {
        world.nudge();
        place.slot.tell(NodeMsg::Tick);
        until("the server is compared", async || world.driver.surveys() >= surveys + n).await;
    }
    assert_eq!(world.bench.status(service).await, "pending");
    assert_eq!(world.told(ANA, &Body::ConfigFile { service }), 0);
    assert_eq!(world.driver.most_settling(), 1);
    world.driver.slow_no_more();
    until("it works", async || world.bench.status(service).await == "active").await;
    until("its owner has it", async || world.told(ANA, &Body::ConfigFile { service }) == 1).await;
    assert_eq!(world.puts(), [key.name]);
}

#[tokio::test]
async fn a_key_that_takes_long_and_one_that_is_refused_keep_nobody_waiting() {
    let world = World::with(Product::Mtproto, |limits| limits.reconcile_every = Duration::from_secs(3_600)).await;
    world.start().await;
    until("the server answers", async || world.up()).await;
    world.driver.settles_in(Duration::from_secs(3_600));
    let (slow, key) = world.pending(ANA).await;
    world.nudge();
    until("it is waited for", async || world.driver.most_settling() == 1).await;
    world.driver.settles_in(Duration::ZERO);
    let (refused, bad) = world.pending(BEA).await;
    world.driver.refuse(&bad.name);
    let names = world.pending_many(100..110).await;
    world.nudge();
    until("the others work", async || world.are_active(10).await).await;
    assert_eq!(
        (world.bench.status(slow).await.as_str(), world.bench.status(refused).await.as_str()),
        ("pending", "pending")
    );
    assert_eq!(world.puts()[1..], names[..]);
    assert!(world.up());
    assert_eq!(world.driver.standing(&key.name), Open);
}

#[tokio::test]
async fn a_service_that_ends_while_its_key_is_waited_for_has_it_taken_off() {
    let world = World::with(Product::Mtproto, |limits| limits.reconcile_every = Duration::from_secs(3_600)).await;
    world.start().await;
    until("the server answers", async || world.up()).await;
    world.driver.settles_in(Duration::from_secs(3_600));
    let (service, key) = world.pending(ANA).await;
    world.nudge();
    until("it is waited for", async || world.driver.most_settling() == 1).await;
    world.driver.settles_in(Duration::ZERO);
    world.accept(ANA, Effect::OfferRevoke(service)).await;
    until("it is gone", async || world.driver.standing(&key.name) == Absent).await;
    assert_eq!(world.told(ANA, &Body::ConfigFile { service }), 0);
    world.active(BEA).await;
}

#[tokio::test]
async fn fault_11_an_actor_that_is_killed_while_keys_are_waited_for_finds_them_and_puts_none_twice_from_the_start() {
    let world = World::with(Product::Mtproto, |limits| limits.reconcile_every = Duration::from_secs(3_600)).await;
    world.start().await;
    until("the server answers", async || world.up()).await;
    world.driver.settles_in(Duration::from_secs(3_600));
    world.pending_many(100..110).await;
    world.nudge();
    until("they are waited for", async || world.driver.most_settling() == 10).await;
    world.driver.settles_in(Duration::ZERO);
    world.bench.kill(NAME).await;
    until("all work", async || world.are_active(10).await).await;
    assert_eq!(world.puts().len(), 10, "what was put is found");
}

#[tokio::test]
async fn fault_08_a_server_that_goes_away_while_keys_are_waited_for_is_waited_for_itself() {
    let world = World::with(Product::Mtproto, |limits| limits.reconcile_every = Duration::from_secs(3_600)).await;
    world.start().await;
    until("the server answers", async || world.up()).await;
    world.driver.settles_in(Duration::from_millis(300));
    world.pending_many(100..103).await;
    world.nudge();
    until("they are waited for", async || world.driver.most_settling() == 3).await;
    world.driver.fail(away());
    until("it is down", async || !world.up()).await;
    assert!(world.are_active(0).await);
    world.driver.fail(None);
    until("all work", async || world.are_active(3).await).await;
    assert!(world.up());
}
