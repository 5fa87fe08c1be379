#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::policy::Policy;
use super::*;
use crate::alerts::AlertsMsg;
use crate::ask::await_reply;
use crate::testing::until;
use ractor::ActorProcessingErr;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, mpsc};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use usipipo_domain::alert::AlertKind;

mod ends;

const PATIENCE: Duration = Duration::from_secs(20);

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const POLICY: Policy =
    Policy { window: ms(60_000), crashes_max: 5, backoff_min: ms(1), backoff_max: ms(20), rest: ms(60_000) };

#[derive(Debug)]
enum ProbeMsg {
    Panic,
    Error,
    Finish,
    Hang,
    Block { begun: oneshot::Sender<()>, end: mpsc::Receiver<()> },
    Ping(RpcReplyPort<u64>),
}

/// What the probes of a test did, and what they are to do.
#[derive(Default)]
struct Hub {
    log: Mutex<Vec<String>>,
    lives: Mutex<HashMap<String, u64>>,
    cells: Mutex<HashMap<String, ActorRef<ProbeMsg>>>,
    crash_at_once: Mutex<Vec<String>>,
    alive: AtomicU64,
    most_alive: AtomicU64,
    away: AtomicBool,
    slow: AtomicBool,
}

impl Hub {
    fn note(&self, what: String) {
        self.log.lock().unwrap().push(what);
    }

    fn lives(&self, name: &str) -> u64 {
        self.lives.lock().unwrap().get(name).copied().unwrap_or(0)
    }

    fn probe(&self, name: &str) -> ActorRef<ProbeMsg> {
        self.cells.lock().unwrap()[name].clone()
    }

    async fn answers(&self, name: &str) -> bool {
        let Some(probe) = self.cells.lock().unwrap().get(name).cloned() else { return false };
        let (port, answer) = crate::ask::port(PATIENCE);
        probe.cast(ProbeMsg::Ping(port)).is_ok() && await_reply(answer, PATIENCE).await.is_ok()
    }
}

struct Probe;

struct ProbeState {
    name: String,
    hub: Arc<Hub>,
}

impl Drop for ProbeState {
    fn drop(&mut self) {
        self.hub.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Actor for Probe {
    type Msg = ProbeMsg;
    type State = ProbeState;
    type Arguments = (String, Arc<Hub>);

    async fn pre_start(
        &self,
        myself: ActorRef<ProbeMsg>,
        (name, hub): (String, Arc<Hub>),
    ) -> Result<ProbeState, ActorProcessingErr> {
        hub.note(format!("start {name}"));
        if hub.away.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("gone".to_owned()).into());
        }
        if hub.slow.load(Ordering::SeqCst) && name == "slow" {
            std::future::pending::<()>().await;
        }
        *hub.lives.lock().unwrap().entry(name.clone()).or_default() += 1;
        hub.cells.lock().unwrap().insert(name.clone(), myself.clone());
        let alive = hub.alive.fetch_add(1, Ordering::SeqCst) + 1;
        hub.most_alive.fetch_max(alive, Ordering::SeqCst);
        if hub.crash_at_once.lock().unwrap().contains(&name) {
            myself.cast(ProbeMsg::Panic)?;
        }
        Ok(ProbeState { name, hub })
    }

    async fn handle(
        &self,
        _: ActorRef<ProbeMsg>,
        message: ProbeMsg,
        state: &mut ProbeState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ProbeMsg::Panic => panic!("on purpose"),
            ProbeMsg::Error => return Err("an error on purpose".into()),
            ProbeMsg::Finish => state.hub.probe(&state.name).stop(None),
            // Cannot be killed before it is over.
            ProbeMsg::Block { begun, end } => {
                let _ = begun.send(());
                // Also when the test ends.
                let _ = end.recv();
            }
            ProbeMsg::Hang => std::future::pending().await,
            ProbeMsg::Ping(reply) => {
                let _ = reply.send(state.hub.lives(&state.name));
            }
        }
        Ok(())
    }

    async fn post_stop(&self, _: ActorRef<ProbeMsg>, state: &mut ProbeState) -> Result<(), ActorProcessingErr> {
        state.hub.note(format!("stop {}", state.name));
        Ok(())
    }
}

/// A supervisor with probes under it.
struct Fixture {
    hub: Arc<Hub>,
    faults: Faults,
    root: SupervisorRef,
    ended: JoinHandle<()>,
    given_up: Arc<OnceLock<String>>,
    alerts: Arc<Mutex<Vec<AlertsMsg>>>,
}

fn probe(hub: &Arc<Hub>, faults: &Faults, name: &str) -> ChildSpec {
    let hub = Arc::clone(hub);
    let owned = name.to_owned();
    ChildSpec::with(faults, ms(5_000), "probe", name, move || (Probe, (owned.clone(), Arc::clone(&hub))))
}

impl Fixture {
    async fn start(policy: Policy, children: impl FnOnce(&Arc<Hub>, &Faults) -> Vec<ChildSpec>) -> Self {
        Self::start_with(Arc::default(), policy, children).await
    }

    async fn start_with(
        hub: Arc<Hub>,
        policy: Policy,
        children: impl FnOnce(&Arc<Hub>, &Faults) -> Vec<ChildSpec>,
    ) -> Self {
        let (faults, alerts) = (Faults::default(), Arc::new(Mutex::new(Vec::new())));
        let given_up = Arc::new(OnceLock::new());
        let args = SupervisorArgs {
            name: "root".to_owned(),
            children: children(&hub, &faults),
            policy,
            alerts: {
                let alerts = Arc::clone(&alerts);
                Arc::new(move |message| alerts.lock().unwrap().push(message))
            },
            roster: Roster::default(),
            given_up: Arc::clone(&given_up),
        };
        let (root, ended) = Supervisor::spawn(None, Supervisor, args).await.unwrap();
        Self { hub, faults, root, ended, given_up, alerts }
    }

    async fn settled(self) -> Self {
        self.ask(SupervisorMsg::Settled).await;
        self
    }

    async fn ask<T: Send + 'static>(&self, message: impl FnOnce(RpcReplyPort<T>) -> SupervisorMsg) -> T {
        let (port, answer) = crate::ask::port(PATIENCE);
        self.root.cast(message(port)).unwrap();
        await_reply(answer, PATIENCE).await.unwrap()
    }

    async fn tree(&self) -> TreeNode {
        self.ask(SupervisorMsg::Tree).await
    }

    async fn find(&self, path: &str) -> Option<ActorCell> {
        self.ask(|reply| SupervisorMsg::Find { path: path.to_owned(), reply }).await
    }

    async fn node(&self, path: &str) -> TreeNode {
        self.tree().await.find(path).expect("in the tree").clone()
    }

    async fn lives(&self, name: &str, lives: u64) {
        until(&format!("{name} lives for the time number {lives}"), async || {
            self.hub.lives(name) >= lives && self.hub.answers(name).await
        })
        .await;
        assert_eq!(self.hub.lives(name), lives);
    }
}

fn named<'a>(names: &'a [&'a str]) -> impl FnOnce(&Arc<Hub>, &Faults) -> Vec<ChildSpec> + 'a {
    move |hub, faults| names.iter().map(|name| probe(hub, faults, name)).collect()
}

#[tokio::test]
async fn a_child_that_ends_in_any_way_is_started_again_and_nothing_else_is() {
    let tree = Fixture::start(POLICY, named(&["a", "b"])).await.settled().await;

    tree.hub.probe("a").cast(ProbeMsg::Panic).unwrap();
    tree.lives("a", 2).await;
    assert_eq!(tree.node("a").await.last_cause.as_deref(), Some("panic: panic: on purpose"));

    tree.hub.probe("a").cast(ProbeMsg::Error).unwrap();
    tree.lives("a", 3).await;
    assert_eq!(tree.node("a").await.last_cause.as_deref(), Some("error: an error on purpose"));

    tree.hub.probe("a").kill();
    tree.lives("a", 4).await;
    assert_eq!(tree.node("a").await.last_cause.as_deref(), Some("killed: killed"));

    tree.hub.probe("a").cast(ProbeMsg::Finish).unwrap();
    tree.lives("a", 5).await;
    assert_eq!(tree.node("a").await.last_cause.as_deref(), Some("ended: it ended by itself"));

    assert_eq!(tree.node("a").await.restarts, 4);
    assert_eq!(tree.hub.lives("b"), 1);
    assert!(tree.hub.answers("b").await);
    assert_eq!(tree.node("b").await.restarts, 0);
}

#[tokio::test]
async fn a_child_that_fails_to_start_is_started_again() {
    let tree = Fixture::start(POLICY, |hub, faults| {
        faults.plan("a", Fault::Start);
        named(&["a", "b"])(hub, faults)
    })
    .await
    .settled()
    .await;
    tree.lives("a", 1).await;
    assert_eq!(tree.node("a").await.last_cause.as_deref(), Some("start: a planned failure to start"));
    // In the middle of its life as well.
    tree.faults.plan("a", Fault::Start);
    tree.faults.plan("a", Fault::Start);
    tree.hub.probe("a").kill();
    tree.lives("a", 2).await;
    assert!(tree.faults.all_struck());
    assert_eq!(tree.node("a").await.restarts, 4);
    assert_eq!(tree.hub.lives("b"), 1);
}

#[tokio::test]
async fn planned_panics_and_errors_strike_once_each() {
    let tree = Fixture::start(POLICY, named(&["a"])).await.settled().await;
    tree.faults.plan("a", Fault::Panic);
    assert!(!tree.hub.answers("a").await);
    tree.lives("a", 2).await;
    assert_eq!(tree.node("a").await.last_cause.as_deref(), Some("panic: panic: a planned panic"));
    tree.faults.plan("a", Fault::Error);
    assert!(!tree.hub.answers("a").await);
    tree.lives("a", 3).await;
    assert_eq!(tree.node("a").await.last_cause.as_deref(), Some("error: a planned error"));
}

#[tokio::test]
async fn a_child_that_crashes_before_its_start_is_reported_is_started_again() {
    let hub = Arc::<Hub>::default();
    hub.crash_at_once.lock().unwrap().push("a".to_owned());
    let policy = Policy { crashes_max: 1_000, ..POLICY };
    let tree = Fixture::start_with(Arc::clone(&hub), policy, named(&["a"])).await;
    until("it crashed twenty times", async || hub.lives("a") > 20).await;
    hub.crash_at_once.lock().unwrap().clear();
    until("it answers", async || hub.answers("a").await).await;
    until("the tree knows", async || tree.node("a").await.state == ChildState::Running).await;
    assert_eq!(tree.node("a").await.restarts, hub.lives("a") - 1);
}

#[tokio::test]
async fn seven_crashing_children_do_not_stop_the_healthy_one() {
    let names = ["c1", "c2", "c3", "c4", "c5", "c6", "c7"];
    let tree = Fixture::start(POLICY, |hub, faults| {
        hub.crash_at_once.lock().unwrap().extend(names.map(str::to_owned));
        names.iter().chain(&["healthy"]).map(|name| probe(hub, faults, name).worker()).collect()
    })
    .await;
    until("all seven rest", async || {
        let states: Vec<_> = tree.tree().await.children.iter().map(|child| child.state).collect();
        states.iter().filter(|state| **state == ChildState::Resting).count() == 7
    })
    .await;
    assert_eq!(tree.hub.lives("healthy"), 1);
    assert!(tree.hub.answers("healthy").await);
    assert!(names.iter().all(|name| tree.hub.lives(name) == 5), "each has a budget of five");
    assert_eq!(tree.alerts.lock().unwrap().len(), 7);
}

#[tokio::test]
async fn a_worker_rests_is_tried_again_and_counts_as_well_after_a_while() {
    let policy = Policy { window: ms(300), rest: ms(1), ..POLICY };
    let tree = Fixture::start(policy, |hub, faults| {
        hub.crash_at_once.lock().unwrap().push("w".to_owned());
        vec![probe(hub, faults, "w").worker()]
    })
    .await;
    until("it was told of", async || !tree.alerts.lock().unwrap().is_empty()).await;
    tree.hub.crash_at_once.lock().unwrap().clear();
    let told = |expected: &str| {
        let alerts = tree.alerts.lock().unwrap();
        match (alerts.first().unwrap(), alerts.last().unwrap()) {
            (AlertsMsg::Raise(AlertKind::ActorQuarantined { actor, cause }), AlertsMsg::Resolve(key)) => {
                assert_eq!((actor.as_str(), cause.as_str()), ("w", "panic: panic: on purpose"));
                key == expected
            }
            _ => false,
        }
    };
    until("it is well again", async || told("actor_quarantined/w")).await;
    assert!(tree.hub.answers("w").await);
    assert!(tree.given_up.get().is_none());
}

#[tokio::test]
async fn a_core_child_takes_its_supervisor_along_and_the_others_end_in_order() {
    let tree = Fixture::start(POLICY, named(&["a", "bad", "z"])).await.settled().await;
    tree.hub.crash_at_once.lock().unwrap().push("bad".to_owned());
    tree.hub.probe("bad").cast(ProbeMsg::Panic).unwrap();
    tokio::time::timeout(PATIENCE, tree.ended).await.expect("it ends").unwrap();
    assert_eq!(tree.given_up.get().unwrap(), "bad crashed too often; the last time: panic: panic: on purpose");
    let log = tree.hub.log.lock().unwrap().clone();
    assert_eq!(log[log.len() - 2..], ["stop z", "stop a"]);
}

#[tokio::test]
async fn a_nested_supervisor_that_gives_up_is_started_again_by_its_own() {
    let tree = Fixture::start(POLICY, |hub, faults| vec![duty(hub, faults, &["a", "b"])]).await.settled().await;
    tree.lives("b", 1).await;
    tree.hub.crash_at_once.lock().unwrap().push("a".to_owned());
    tree.hub.probe("a").cast(ProbeMsg::Panic).unwrap();
    until("a second duty", async || tree.node("duty").await.restarts >= 1).await;
    tree.hub.crash_at_once.lock().unwrap().clear();
    until("both work", async || tree.hub.answers("a").await && tree.hub.answers("b").await).await;
    assert!(tree.node("duty").await.last_cause.unwrap().starts_with("error: a crashed too often"));
}

fn duty(hub: &Arc<Hub>, faults: &Faults, names: &[&str]) -> ChildSpec {
    let specs: Vec<_> = names.iter().map(|name| probe(hub, faults, name)).collect();
    let prepare: Prepare = Arc::new(move || {
        let specs = specs.clone();
        Box::pin(async move { Ok(specs) })
    });
    nested(faults, ms(20_000), POLICY, Arc::new(|_| {}), "duty", prepare)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_a_kill_of_a_supervisor_its_children_never_live_twice() {
    let tree = Fixture::start(Policy { crashes_max: 1_000, ..POLICY }, |hub, faults| {
        vec![duty(hub, faults, &["a", "b", "c"])]
    })
    .await
    .settled()
    .await;
    for round in 1..30 {
        tree.lives("c", round).await;
        let (begun, blocks) = oneshot::channel();
        let (go_on, end) = mpsc::channel();
        tree.hub.probe("a").cast(ProbeMsg::Block { begun, end }).unwrap();
        blocks.await.unwrap();
        let duty = tree.find("duty").await.unwrap();
        duty.kill();
        until("it has ended", async || duty.get_status() == ractor::ActorStatus::Stopped).await;
        assert_eq!(tree.hub.lives("c"), round, "its successor waits for the one that cannot be killed");
        go_on.send(()).unwrap();
        until("a new life", async || tree.hub.lives("c") > round).await;
    }
    assert_eq!(tree.hub.most_alive.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn the_absence_of_the_database_never_uses_up_a_budget() {
    let policy = Policy { crashes_max: 2, ..POLICY };
    let tree = Fixture::start(policy, named(&["a", "b"])).await.settled().await;
    tree.hub.away.store(true, Ordering::SeqCst);
    tree.hub.probe("a").kill();
    until("many starts failed", async || tree.node("a").await.restarts > 10).await;
    tree.hub.away.store(false, Ordering::SeqCst);
    tree.lives("a", 2).await;
    assert!(tree.given_up.get().is_none());
}

#[tokio::test]
async fn children_start_in_order_and_one_that_fails_holds_nobody_up() {
    let tree = Fixture::start(POLICY, |hub, faults| {
        (0..3).for_each(|_| faults.plan("b", Fault::Start));
        named(&["a", "b", "c"])(hub, faults)
    })
    .await
    .settled()
    .await;
    tree.lives("b", 1).await;
    let log = tree.hub.log.lock().unwrap().clone();
    assert_eq!(log, ["start a", "start c", "start b"]);
}

#[tokio::test]
async fn the_tree_is_found_by_paths() {
    let tree = Fixture::start(POLICY, |hub, faults| {
        vec![probe(hub, faults, "inbox").queue(|| 7), duty(hub, faults, &["node/us-1", "node/us-1b", "outbox"])]
    })
    .await
    .settled()
    .await;
    tree.lives("outbox", 1).await;
    assert_eq!(tree.node("inbox").await.queue, Some(7));
    let seen = tree.tree().await;
    let names: Vec<_> = seen.find("duty").unwrap().children.iter().map(|child| child.name.as_str()).collect();
    assert_eq!(names, ["node/us-1", "node/us-1b", "outbox"]);
    assert_eq!(tree.node("duty/node/us-1b").await.state, ChildState::Running);
    for name in ["node/us-1", "node/us-1b"] {
        let found = tree.find(&format!("duty/{name}")).await.unwrap();
        assert_eq!(found.get_id(), tree.hub.probe(name).get_id());
    }
    for nobody in ["duty/x", "x", "duty/node", "inbox/*", ""] {
        assert!(tree.find(nobody).await.is_none(), "{nobody}");
    }
}
