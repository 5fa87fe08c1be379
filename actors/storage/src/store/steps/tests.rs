//! Steps against a real PostgreSQL.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod care;
mod group;
mod keys_together;
mod offers;
mod promotion;
mod services;
mod trials;

use crate::Store;
use crate::model::{Epoch, NewUpdate, StepCommit, StepDone, StepRefusal};
use crate::testing::{SeededNode, TestDatabase};
use chrono::{DateTime, TimeZone as _, Utc};
use usipipo_domain::dialogue::{Act, Effect};
use usipipo_domain::ids::{BotId, InboxSeq, OfferId, UserId};
use usipipo_domain::screen::Screen;
use usipipo_domain::wg::PublicKey;

const ANA: UserId = UserId(101);
const BETO: UserId = UserId(102);

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 24, 12, 0, 0).unwrap()
}

/// A database with a node, led by one store.
struct World {
    db: TestDatabase,
    store: Store,
    epoch: Epoch,
    node: SeededNode,
}

impl World {
    async fn new() -> Self {
        let db = TestDatabase::new().await;
        let store = db.store();
        let epoch = db.lead(&store).await;
        let node = db.seed_node("miami").await;
        Self { db, store, epoch, node }
    }

    async fn act(&self, user: UserId, act: Act) -> Result<StepDone, StepRefusal> {
        self.act_with(user, act, |_| {}).await
    }

    async fn act_with(
        &self,
        user: UserId,
        act: Act,
        change: impl FnOnce(&mut StepCommit),
    ) -> Result<StepDone, StepRefusal> {
        self.db.act(&self.store, self.epoch, user, act, change, now()).await
    }

    async fn accept(
        &self,
        user: UserId,
        offer: OfferId,
        own_key: Option<PublicKey>,
        host: u8,
    ) -> Result<StepDone, StepRefusal> {
        let act = Act::Do(Effect::Accept { offer, own_key, node: None });
        self.act_with(user, act, |step| step.prepared = Some(crate::testing::prepared(&self.node, host))).await
    }

    async fn update(&self, user: UserId) -> InboxSeq {
        self.updates(&[user]).await.remove(0)
    }

    async fn updates(&self, users: &[UserId]) -> Vec<InboxSeq> {
        let update =
            |user: &UserId| NewUpdate { update_id: None, user: Some(*user), lane: "session", raw: vec![b'x'; 600] };
        let updates = users.iter().map(update).collect();
        let rows = self.store.store_updates(BotId(1), updates, true, now()).await.unwrap();
        rows.into_iter().map(|row| row.seq).collect()
    }
}

fn shows(done: &Result<StepDone, StepRefusal>) -> &Screen {
    crate::testing::screen(done.as_ref().expect("the step is committed")).expect("a screen")
}
