//! How an actor steers a server of keys (Outline, MTProto).

use crate::ports::driver::DriverError;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use usipipo_domain::access::KeySecret;
use usipipo_domain::promotion::AdTag;
use usipipo_storage::model::{KeyStanding, UsageKind};

/// A key as a server should carry it.
#[derive(Debug, Clone)]
pub struct KeySpec {
    /// The server's name for it, chosen by us.
    pub name: String,
    /// Password or secret.
    pub secret: KeySecret,
    /// Cut off, but kept.
    pub closed: bool,
    /// Devices (or connections) at the same time, where the server can limit them.
    pub devices: Option<u16>,
    /// What the server sees to by itself, where it can.
    pub terms: KeyTerms,
}

/// What a server sees to by itself, also while nobody steers it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyTerms {
    /// It refuses the key from then on; exact to the second.
    pub expires_at: Option<DateTime<Utc>>,
    /// Its users see the channel that this tag stands for.
    pub ad_tag: Option<AdTag>,
}

/// A key that is on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStatus {
    /// The server's name for it.
    pub name: String,
    /// [`KeyStanding::Open`] or [`KeyStanding::Closed`]; [`KeyStanding::Absent`] while the server has it and does not act on
    /// it yet ([`Settled::NotYet`]).
    pub standing: KeyStanding,
    /// Its secret is the one the server shows; `None` when the server does not tell. One of ours with another secret was
    /// changed by hand and is put anew.
    pub secret: Option<KeySecret>,
    /// `None`: this kind of server has none.
    pub terms: Option<KeyTerms>,
    /// As many devices as it may have are connected: one more, as a probe, would be refused.
    pub full: bool,
    /// Bytes, in the sense of [`Survey::kind`]; zero for a key without traffic.
    pub bytes: u64,
}

/// Everything on a server.
#[derive(Debug, Clone)]
pub struct Survey {
    /// Names the life of the counters; another one begins at zero.
    pub incarnation: String,
    /// What the numbers count.
    pub kind: UsageKind,
    /// Every key, ours or not.
    pub keys: Vec<KeyStatus>,
}

/// What became of a key that was put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    /// It is there now, by this call or an earlier one, and it is ours: name and secret agree.
    Done,
    /// The server has it and will act on it in a moment, which [`KeyDriver::settle`] waits for.
    Begun,
    /// The name is in use with another secret: it is not ours, and was left alone.
    TakenByOther,
}

/// Whether a key that was put works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// The server acts on it.
    Works,
    /// It is there, and the server does not act on it yet, with a sentence for the operator. It is looked at again; nobody is
    /// told that it works.
    NotYet(String),
}

/// A server of keys. Calls are idempotent: they may be repeated after a time-out or a crash. One owner calls them in sequence,
/// but for [`KeyDriver::settle`].
#[async_trait]
pub trait KeyDriver: Send + Sync + 'static {
    /// Reads everything.
    async fn survey(&self) -> Result<Survey, DriverError>;

    /// Makes the key exist as described. One that is there with the same secret is brought to the wanted standing. On a server
    /// that does not keep closed keys ([`KeyDriver::keeps_closed`]) a closed one is taken away, if it is ours.
    async fn put(&self, key: &KeySpec) -> Result<Put, DriverError>;

    /// Waits for a key that [`Put::Begun`] was said of, as long as the server may take. It changes nothing, so that several may
    /// be waited for at once while other keys are put.
    async fn settle(&self, _key: &KeySpec) -> Result<Settled, DriverError> {
        Ok(Settled::Works)
    }

    /// Opens or closes a key of ours that is there, without knowing its secret; closing may take it away.
    async fn set_closed(&self, name: &str, closed: bool) -> Result<(), DriverError>;

    /// Removes the key; one that is not there is fine.
    async fn remove(&self, name: &str) -> Result<(), DriverError>;

    /// Proves from outside that the server accepts this key, as a client would. `Ok(None)` when this kind of server cannot be
    /// probed; `Ok(Some(false))` when it was reached and refused the key. What a probe sends counts as its key's traffic.
    async fn probe(&self, key: &KeySpec) -> Result<Option<bool>, DriverError>;

    /// Whether a closed key stays on the server. Else closing removes it there, and opening puts it again as it was.
    fn keeps_closed(&self) -> bool;
}
