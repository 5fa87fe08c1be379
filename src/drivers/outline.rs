//! Outline servers.
//!
//! A key is closed by removing it: a data limit of 0 stops only keys that something has flowed through within 30 days, since
//! the server compares "more than". Opening puts it again with the same id, password and port, so that its user's link works
//! as before.

use crate::outline::{AccessKey, Cipher, Created, NewKey, OutlineClient, OutlineError, own_key_id};
use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};
use std::fmt;
use usipipo_actors::domain::access::KeySecret;
use usipipo_actors::model::{KeyStanding, UsageKind};
use usipipo_actors::ports::driver::DriverError;
use usipipo_actors::ports::key_driver::{KeyDriver, KeySpec, KeyStatus, Put, Survey};

/// The name of our keys in the server's own manager. Nothing of the user is told to the server.
const LABEL: &str = "uSipipo";

/// Steers an Outline server.
pub struct OutlineDriver {
    client: OutlineClient,
    port: u16,
}

impl fmt::Debug for OutlineDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutlineDriver").field("port", &self.port).finish_non_exhaustive()
    }
}

impl OutlineDriver {
    /// Keys get this port, TCP and UDP; links say the same.
    #[must_use]
    pub const fn new(client: OutlineClient, port: u16) -> Self {
        Self { client, port }
    }

    const fn wanted<'a>(&self, id: u64, password: &'a SecretString) -> NewKey<'a> {
        NewKey { id, name: LABEL, password, port: Some(self.port), cipher: Cipher::ChaCha20IetfPoly1305, limit: None }
    }
}

#[async_trait]
impl KeyDriver for OutlineDriver {
    async fn survey(&self) -> Result<Survey, DriverError> {
        let server = self.client.server().await.map_err(said)?;
        let keys = self.client.keys().await.map_err(said)?;
        let transfer = self.client.transfer().await.map_err(said)?;
        let keys = keys.into_iter().map(|key| {
            let own = own_key_id(&key.id);
            KeyStatus {
                bytes: own.map_or(0, |id| transfer.of(id)),
                standing: if key.is_suspended() { KeyStanding::Closed } else { KeyStanding::Open },
                // Others' passwords are not carried around.
                secret: own.map(|_| KeySecret::Outline(key.password.expose_secret().to_owned())),
                name: key.id,
                terms: None,
                full: false,
            }
        });
        // The server's id survives a restart, and so do its counters.
        let incarnation = format!("{}/{}", server.server_id, server.created_timestamp_ms);
        Ok(Survey { incarnation, kind: UsageKind::Window30Days, keys: keys.collect() })
    }

    async fn put(&self, key: &KeySpec) -> Result<Put, DriverError> {
        let id = own(&key.name)?;
        let KeySecret::Outline(password) = &key.secret else { return Err(other_kind(&key.name)) };
        let password = SecretString::from(password.as_str());
        let new = self.wanted(id, &password);
        if key.closed {
            return self.take_away(&new).await;
        }
        match self.client.create_key(&new).await.map_err(said)? {
            Created::Created(_) => Ok(Put::Done),
            Created::AlreadyOurs(AccessKey { limit: None, .. }) => Ok(Put::Done),
            Created::AlreadyOurs(_) => {
                self.client.set_limit(id, None).await.map_err(said)?;
                Ok(Put::Done)
            }
            Created::TakenByOther => Ok(Put::TakenByOther),
        }
    }

    async fn set_closed(&self, name: &str, closed: bool) -> Result<(), DriverError> {
        let id = own(name)?;
        if closed {
            self.client.delete_key(id).await.map_err(said)
        } else {
            self.client.set_limit(id, None).await.map_err(said)
        }
    }

    async fn remove(&self, name: &str) -> Result<(), DriverError> {
        self.client.delete_key(own(name)?).await.map_err(said)
    }

    /// A Shadowsocks server gives no sign to whom it does not know, and none to whom it knows before a whole request is
    /// answered; nothing short of carrying traffic proves a key.
    async fn probe(&self, _key: &KeySpec) -> Result<Option<bool>, DriverError> {
        Ok(None)
    }

    fn keeps_closed(&self) -> bool {
        false
    }
}

impl OutlineDriver {
    /// Removes the key if it is the one that is meant.
    async fn take_away(&self, wanted: &NewKey<'_>) -> Result<Put, DriverError> {
        match self.client.key(wanted.id).await.map_err(said)? {
            Some(there) if !there.is(wanted) => return Ok(Put::TakenByOther),
            Some(_) => self.client.delete_key(wanted.id).await.map_err(said)?,
            None => {}
        }
        Ok(Put::Done)
    }
}

fn own(name: &str) -> Result<u64, DriverError> {
    own_key_id(name).ok_or_else(|| {
        DriverError::Refused(format!("key {name:?} is not one of ours and is not touched; please report this"))
    })
}

fn other_kind(name: &str) -> DriverError {
    DriverError::Refused(format!("key {name} has no Outline password; please report this"))
}

/// What passes by itself is waited for; the rest is the operator's.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn said(error: OutlineError) -> DriverError {
    if error.is_passing() {
        DriverError::Unavailable(error.to_string())
    } else {
        DriverError::Refused(error.to_string())
    }
}

#[cfg(test)]
mod tests;
