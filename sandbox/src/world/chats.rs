//! All chats, in shards so that lookups of different people do not meet.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;

use super::Chat;
use super::ChatState;
use super::Person;
use super::lock;

const SHARDS: usize = 64;
const FIRST_ID: i64 = 1001;

/// People's private chats by id.
#[derive(Debug)]
pub struct Chats {
    shards: Vec<Mutex<HashMap<i64, Arc<Chat>>>>,
    next_id: AtomicI64,
}

impl Default for Chats {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            next_id: AtomicI64::new(FIRST_ID),
        }
    }
}

impl Chats {
    fn shard(&self, id: i64) -> &Mutex<HashMap<i64, Arc<Chat>>> {
        let index = usize::try_from(id.unsigned_abs() % 64).unwrap_or(0);
        &self.shards[index]
    }

    /// The chat with this id.
    pub fn get(&self, id: i64) -> Option<Arc<Chat>> {
        lock(self.shard(id)).get(&id).cloned()
    }

    /// An id that nobody has.
    pub fn free_id(&self) -> i64 {
        loop {
            let id = self.next_id.fetch_add(1, Ordering::Relaxed);
            if self.get(id).is_none() {
                return id;
            }
        }
    }

    /// The chat of this person, made if it is not there.
    pub fn get_or_insert(&self, id: i64, person: impl FnOnce() -> Person) -> Arc<Chat> {
        lock(self.shard(id))
            .entry(id)
            .or_insert_with(|| Arc::new(Chat::new(ChatState::new(person()))))
            .clone()
    }

    /// Puts a loaded chat in.
    pub fn insert(&self, state: ChatState) {
        let id = state.person.id;
        lock(self.shard(id)).insert(id, Arc::new(Chat::new(state)));
    }

    /// Removes a person.
    pub fn remove(&self, id: i64) -> bool {
        lock(self.shard(id)).remove(&id).is_some()
    }

    /// Everyone, by id.
    pub fn all(&self) -> Vec<Arc<Chat>> {
        let mut all: Vec<Arc<Chat>> = self
            .shards
            .iter()
            .flat_map(|shard| lock(shard).values().cloned().collect::<Vec<_>>())
            .collect();
        all.sort_by_key(|chat| chat.id);
        all
    }

    /// Removes everyone.
    pub fn clear(&self) {
        for shard in &self.shards {
            lock(shard).clear();
        }
        self.next_id.store(FIRST_ID, Ordering::Relaxed);
    }
}
