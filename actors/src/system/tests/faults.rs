//! Faults of `faults.md` that concern the tree as a whole.

use super::*;
use usipipo_storage::testing::TestDatabase;

/// Lets nobody into a database, from the outside.
struct Barrier {
    outside: TestDatabase,
    name: String,
}

impl Barrier {
    async fn around(world: &World) -> Self {
        let name = world.database.text("SELECT current_database()::text AS t").await;
        Self { outside: TestDatabase::new().await, name }
    }

    /// The database is gone: no connection is left and none can be made.
    async fn close(&self) {
        let name = &self.name;
        self.outside.execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await;
        self.outside
            .execute(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"))
            .await;
    }

    async fn open(&self) {
        self.outside.execute(&format!("ALTER DATABASE {} ALLOW_CONNECTIONS true", self.name)).await;
    }
}

/// How often somebody comes, whoever else is served or not.
const PACE: Duration = Duration::from_millis(20);

/// People who come one after the other, for as long as it is kept.
fn load(world: &Arc<World>, first: i64) -> (tokio::task::JoinHandle<()>, Arc<std::sync::atomic::AtomicI64>) {
    let (world, next) = (Arc::clone(world), Arc::new(std::sync::atomic::AtomicI64::new(first)));
    let came = Arc::clone(&next);
    let people = tokio::spawn(async move {
        let mut pace = tokio::time::interval(PACE);
        loop {
            pace.tick().await;
            let user = UserId(next.load(std::sync::atomic::Ordering::SeqCst));
            world.say(user, "/start");
            world.press(user, &usipipo_domain::callback::Button::TrialOf(Product::Wireguard), 1);
            next.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
    });
    (people, came)
}

/// Everybody was answered, and everything happened once.
async fn nothing_lost_or_doubled(world: &World, users: std::ops::Range<i64>) {
    world.all_handled().await;
    let count = i64::try_from(users.clone().count()).unwrap();
    for (what, sql) in [
        ("users", "SELECT count(*) AS n FROM users"),
        ("offers", "SELECT count(*) AS n FROM offers"),
        ("updates handled", "SELECT count(*) / 2 AS n FROM inbox WHERE outcome = 'handled'"),
    ] {
        assert_eq!(world.database.number(sql).await, count, "{what}");
    }
    assert_eq!(world.database.number("SELECT count(*) AS n FROM dead_letters").await, 0);
    until("everything is sent", async || world.unsent().await == 0).await;
    let other = "SELECT count(*) AS n FROM (SELECT chat_id FROM outbox GROUP BY chat_id HAVING count(*) <> 2) AS odd";
    assert_eq!(world.database.number(other).await, 0, "two answers for two messages of each");
    for user in users.map(UserId) {
        assert!(world.homes(user) >= 1, "{user} is answered");
    }
}

/// PostgreSQL is away under load until `enough` holds of the system.
async fn away_until(enough: impl AsyncFn(&System) -> bool) {
    let world = Arc::new(World::new().await);
    let system = world.lead().await;
    let barrier = Barrier::around(&world).await;
    let (people, came) = load(&world, 1_000);
    until("there is load", async || world.messenger.count() > 20).await;

    let before = came.load(std::sync::atomic::Ordering::SeqCst);
    barrier.close().await;
    until("it is missed", async || system.readiness().await.iter().any(|(name, ok, _)| name == "database" && !ok))
        .await;
    until("people came meanwhile", async || came.load(std::sync::atomic::Ordering::SeqCst) > before + 20).await;
    until("it was away for long enough", async || enough(&system).await).await;
    let sent = world.messenger.count();
    barrier.open().await;

    until("it goes on", async || world.messenger.count() > sent + 40).await;
    people.abort();
    let _ = people.await;
    all_run(&system).await;
    nothing_lost_or_doubled(&world, 1_000..came.load(std::sync::atomic::Ordering::SeqCst)).await;
    assert!(system.given_up.get().is_none());
}

#[tokio::test]
async fn fault_14_postgresql_is_away_for_a_moment_under_load_and_nothing_is_lost() {
    away_until(async |system| matches!(system.role(), Role::Leader(_))).await;
}

#[tokio::test]
async fn fault_14_postgresql_is_away_for_longer_than_the_lease_and_nothing_is_lost() {
    // The work ended, since nobody knew any more who leads.
    away_until(async |system| system.role() == Role::Standby && system.tree().await.find(leader::DUTY).is_none()).await;
}

#[tokio::test]
async fn fault_14_a_person_in_the_middle_of_a_trial_gets_one_after_the_database_is_back() {
    let world = World::new().await;
    let system = world.lead().await;
    let barrier = Barrier::around(&world).await;
    world.say(UserId(100), "/trial");
    let offer = world
        .shown("the offer", UserId(100), |screen| match screen {
            usipipo_domain::screen::Screen::TrialOffer { offer, .. } => Some(*offer),
            _ => None,
        })
        .await;
    barrier.close().await;
    let given = world.source.given();
    for _ in 0..3 {
        world.press(UserId(100), &usipipo_domain::callback::Button::Accept { offer }, 1);
    }
    until("the first press arrives", async || world.source.given() > given).await;
    until("updates are turned away", async || {
        let turned_away = system.accept(vec![world.text(UserId(100), "/help").1]).await;
        matches!(turned_away, Err(AcceptError::Store(_)))
    })
    .await;
    barrier.open().await;
    world.config_sent(UserId(100)).await;
    world.all_handled().await;
    assert_eq!(world.database.number("SELECT count(*) AS n FROM services").await, 1);
    assert_eq!(world.driver.on_it().len(), 1);
    drop(system);
}

#[tokio::test]
async fn fault_17_the_whole_intake_dies_again_and_again_and_no_update_is_skipped() {
    let world = Arc::new(World::new().await);
    let system = world.lead().await;
    let (people, came) = load(&world, 1_000);
    for round in 0..30 {
        let before = world.messenger.count();
        assert!(system.kill("inbox").await || round > 0);
        system.kill("duty/poller").await;
        until("it goes on", async || world.messenger.count() > before + 2).await;
    }
    people.abort();
    let _ = people.await;
    all_run(&system).await;
    assert!(system.tree().await.find("inbox").unwrap().restarts > 10);
    nothing_lost_or_doubled(&world, 1_000..came.load(std::sync::atomic::Ordering::SeqCst)).await;
}

#[tokio::test]
async fn whoever_is_killed_at_random_under_load_nothing_is_lost_or_doubled() {
    let mut world = World::with_keys().await;
    // A row that is in hand at each of many kills is no row that cannot be handled.
    world.limits.update_attempts_max = 1_000;
    let world = Arc::new(world);
    let system = world.lead().await;
    let (people, came) = load(&world, 1_000);
    let mut victims = paths();
    victims.push("duty/router/*".to_owned());
    for round in 0..80 {
        // Spread over all by a step that shares no factor with their number.
        system.kill(&victims[round * 7 % victims.len()]).await;
        let before = world.messenger.count();
        if round % 8 == 0 {
            until("it goes on", async || world.messenger.count() > before).await;
        } else {
            let here = came.load(std::sync::atomic::Ordering::SeqCst);
            until("somebody else comes", async || came.load(std::sync::atomic::Ordering::SeqCst) > here).await;
        }
    }
    people.abort();
    let _ = people.await;
    all_run(&system).await;
    nothing_lost_or_doubled(&world, 1_000..came.load(std::sync::atomic::Ordering::SeqCst)).await;
    assert!(system.given_up.get().is_none());
}
