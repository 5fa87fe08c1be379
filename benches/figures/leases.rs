//! B3: leases per second, by two processes on one pool that is 95 % full. A lease here is all that a buyer gets: service,
//! address, sealed keys, messages and audit rows in one transaction, as the program makes them.

use super::{figure, say};
use chrono::{DateTime, Utc};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, mpsc, oneshot};
use usipipo_actors::domain::dialogue::{Act, Effect, State, Step};
use usipipo_actors::domain::ids::{InboxSeq, NodeId, OfferId, PoolId, UserId};
use usipipo_actors::domain::outgoing::Place;
use usipipo_actors::domain::pool::Pool;
use usipipo_actors::domain::wg::{PresharedKey, PrivateKey};
use usipipo_actors::model::{Epoch, Prepared, StepCommit, StepDone, StepRefusal, StepRules, StoreOptions};
use usipipo_actors::storage::testing::TestDatabase;
use usipipo_actors::storage::{Store, Vault};

/// Addresses of the pool, and how many are taken before the start.
const POOL: &str = "10.80.0.0/16";
const TAKEN: i64 = 62_257;
/// Leases of one run; fewer than are free.
const LEASES: i64 = 3_000;
/// Steps in one transaction, as in the program.
const BATCH: usize = 64;
const PROCESSES: i64 = 2;
const CLIENTS: [i64; 4] = [1, 8, 32, 64];

pub(crate) async fn run() {
    say(&format!(
        "B3: {LEASES} trials by {PROCESSES} processes on a pool of {POOL}, 95 % full, fsync on, for 1, 8, 32 and 64 clients"
    ));
    let database = TestDatabase::new().await;
    let node = database.seed_node("bench").await;
    database.execute(&format!("UPDATE pools SET v4 = '{POOL}', v6 = NULL WHERE id = {}", node.trial)).await;
    let fill = format!(
        "INSERT INTO users (id, first_name, language, tz, created_at, last_seen_at) \
           SELECT n, 'x', 'es', 'UTC', 'epoch', 'epoch' FROM generate_series(1, {TAKEN}) n;
         INSERT INTO services (id, user_id, product, trial, node_id, name, status, days, created_at) OVERRIDING SYSTEM VALUE \
           SELECT 10000000 + n, n, 'wireguard', true, {node}, 'x', 'pending', 7, 'epoch' FROM generate_series(1, {TAKEN}) n;
         INSERT INTO leases (node_id, pool_id, service_id, v4, state, created_at) \
           SELECT {node}, {pool}, 10000000 + n, '10.80.0.1'::inet + n, 'live', 'epoch' FROM generate_series(1, {TAKEN}) n;
         ANALYZE",
        node = node.node,
        pool = node.trial,
    );
    for statement in fill.split(';') {
        database.execute(statement).await;
    }
    let store = database.store();
    let epoch = database.lead(&store).await;
    let keys = tempfile::tempdir().unwrap();
    let vault = keys.path().join("keys");
    Vault::open_or_create(&vault).unwrap();
    for (round, clients) in (0i64..).zip(CLIENTS) {
        let first = 1_000_000 * (round + 1);
        let ask = format!(
            "INSERT INTO users (id, first_name, language, tz, created_at, last_seen_at) \
               SELECT {first} + n, 'x', 'es', 'UTC', 'epoch', 'epoch' FROM generate_series(1, {LEASES}) n;
             INSERT INTO offers (id, user_id, kind, plan_id, created_at, expires_at) OVERRIDING SYSTEM VALUE \
               SELECT {first} + n, {first} + n, 'trial', (SELECT max(id) FROM plans WHERE code = 'wg-trial'), \
                      '2026-01-01', '2126-01-01' FROM generate_series(1, {LEASES}) n;
             INSERT INTO inbox (seq, bot_id, update_id, user_id, lane, raw, received_at) OVERRIDING SYSTEM VALUE \
               SELECT {first} + n, 1, {first} + n, {first} + n, 'session', '{{}}', '2026-01-01' FROM generate_series(1, {LEASES}) n"
        );
        for statement in ask.split(';') {
            database.execute(statement).await;
        }
        let begin = Instant::now();
        let share = LEASES / PROCESSES;
        let workers: Vec<_> = (0..PROCESSES)
            .map(|process| {
                Command::new(std::env::current_exe().unwrap())
                    .arg("lease-worker")
                    .args([database.url(), vault.to_str().unwrap()])
                    .args(
                        [
                            epoch.0,
                            i64::from(node.node.0),
                            i64::from(node.trial.0),
                            process,
                            first + process * share,
                            share,
                            (clients / PROCESSES).max(1),
                        ]
                        .map(|n| n.to_string()),
                    )
                    .stdin(Stdio::null())
                    .stdout(Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .collect();
        let mut rate = 0.0;
        let mut p99 = 0.0_f64;
        for worker in workers {
            let output = worker.wait_with_output().unwrap();
            assert!(output.status.success(), "a worker failed");
            let text = String::from_utf8(output.stdout).unwrap();
            let mut numbers = text.split_whitespace().map(|number| number.parse::<f64>().unwrap());
            rate += numbers.next().unwrap();
            p99 = p99.max(numbers.next().unwrap());
        }
        let _ = begin;
        figure(&format!("B3.leases_per_s.{clients}"), format!("{rate:.0}"));
        figure(&format!("B3.p99_ms.{clients}"), format!("{p99:.1}"));
        let live = database.number("SELECT count(*) AS n FROM leases WHERE state = 'live'").await;
        assert_eq!(live, TAKEN + LEASES, "leases are missing");
        let twice =
            "SELECT count(*) AS n FROM (SELECT v4 FROM leases WHERE state = 'live' GROUP BY v4 HAVING count(*) > 1) d";
        assert_eq!(database.number(twice).await, 0, "an address was given out twice");
        database
            .execute(
                "UPDATE leases SET state = 'released', released_at = 'epoch', quarantine_until = 'epoch' \
                 WHERE service_id < 10000000",
            )
            .await;
    }
    figure("B3.duplicates", 0);
}

type Reply = oneshot::Sender<Result<StepDone, StepRefusal>>;

/// One of the processes: prints leases per second and the 99th percentile in ms.
pub(crate) fn worker(args: &[String]) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (url, vault) = (args[0].clone(), args[1].clone());
    let numbers: Vec<i64> = args[2..].iter().map(|text| text.parse().unwrap()).collect();
    let &[epoch, node, pool, seed, first, count, clients] = numbers.as_slice() else { panic!("seven numbers") };
    runtime.block_on(async {
        let options = StoreOptions {
            url: url.into(),
            max_connections: 8,
            wait_timeout: Duration::from_secs(20),
            statement_timeout: Duration::from_secs(20),
        };
        let store = Store::connect(&options, Vault::open_file(vault.as_ref()).unwrap()).unwrap();
        let pool = PoolId(i32::try_from(pool).unwrap());
        let mut addresses = Pool::new(Some(POOL.parse().unwrap()), None, u64::try_from(seed).unwrap() * 40_503);
        addresses
            .load(store.leases_of(pool).await.unwrap().into_iter().map(|row| (row.addresses, row.quarantine_until)));
        let addresses = Arc::new(Mutex::new(addresses));
        let (send, mut receive) = mpsc::channel::<(StepCommit, Reply)>(1024);
        let committing = store.clone();
        tokio::spawn(async move {
            let mut waiting = Vec::new();
            while receive.recv_many(&mut waiting, BATCH).await > 0 {
                let (steps, replies): (Vec<_>, Vec<_>) = waiting.drain(..).unzip();
                let outcomes = committing.commit_steps(Epoch(epoch), steps).await.unwrap();
                for (reply, outcome) in replies.into_iter().zip(outcomes) {
                    let _ = reply.send(outcome);
                }
            }
        });
        let next = Arc::new(AtomicI64::new(1));
        let begin = Instant::now();
        let tasks: Vec<_> = (0..clients)
            .map(|_| {
                let (addresses, send, next) = (Arc::clone(&addresses), send.clone(), Arc::clone(&next));
                let node = NodeId(i32::try_from(node).unwrap());
                tokio::spawn(async move {
                    let mut took = Vec::new();
                    loop {
                        let n = next.fetch_add(1, Ordering::Relaxed);
                        if n > count {
                            return took;
                        }
                        let begin = Instant::now();
                        lease(first + n, node, pool, &addresses, &send).await;
                        took.push(begin.elapsed());
                    }
                })
            })
            .collect();
        let mut took = Vec::new();
        for task in tasks {
            took.extend(task.await.unwrap());
        }
        let seconds = begin.elapsed().as_secs_f64();
        took.sort();
        let p99 = took[took.len() * 99 / 100];
        println!("{} {}", took.len() as f64 / seconds, p99.as_secs_f64() * 1e3);
    });
    ExitCode::SUCCESS
}

async fn lease(id: i64, node: NodeId, pool: PoolId, addresses: &Mutex<Pool>, send: &mpsc::Sender<(StepCommit, Reply)>) {
    let now: DateTime<Utc> = "2026-06-01T00:00:00Z".parse().unwrap();
    let random = || {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).unwrap();
        bytes
    };
    loop {
        let reserved = addresses.lock().await.reserve(now).unwrap();
        let step = StepCommit {
            seq: InboxSeq(id),
            user: UserId(id),
            step: Step {
                state: State::Idle,
                act: Act::Do(Effect::Accept { offer: OfferId(id), own_key: None, node: None }),
                place: Place::New,
            },
            before: State::Idle,
            callback_id: None,
            touch: None,
            prepared: Some(Prepared {
                node,
                pool,
                addresses: Some(reserved),
                private_key: PrivateKey::from_random(random()),
                preshared_key: PresharedKey::from_random(random()),
                name: "WireGuard 1".to_owned(),
            }),
            prepared_key: None,
            refused: None,
            rules: StepRules::default(),
            now,
        };
        let (reply, answer) = oneshot::channel();
        send.send((step, reply)).await.unwrap();
        match answer.await.unwrap() {
            Ok(done) => {
                assert!(done.address_used, "no lease for {id}");
                addresses.lock().await.confirm(reserved);
                return;
            }
            // The other process was faster.
            Err(StepRefusal::AddressTaken) => addresses.lock().await.mark_taken(reserved),
            Err(other) => panic!("{id}: {other}"),
        }
    }
}
