//! Makes drivers of servers of keys while the program runs.

use super::key_driver::KeyDriver;
use async_trait::async_trait;
use std::sync::Arc;
use usipipo_domain::access::Hidden;
use usipipo_domain::new_server::{NewServer, ServerDraft, ServerProblem};
use usipipo_storage::model::KeyNodeSpec;

/// Knows every kind of server of keys.
#[async_trait]
pub trait Drivers: Send + Sync + 'static {
    /// Steers a server as its row says. Calls nobody.
    ///
    /// # Errors
    /// Why nothing can be made of the row, for people and without secrets.
    fn make(&self, server: &KeyNodeSpec) -> Result<Arc<dyn KeyDriver>, String>;

    /// Reads how a new server is managed and asks that server whether it is so; ends by itself after some seconds.
    ///
    /// # Errors
    /// What is wrong with the text, or with the server; without secrets.
    async fn check(&self, draft: &ServerDraft, pasted: &Hidden) -> Result<NewServer, ServerProblem>;
}
