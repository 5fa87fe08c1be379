//! Servers of keys that can be added.

use super::key_driver::FakeKeyDriver;
use crate::ports::drivers::Drivers;
use crate::ports::key_driver::KeyDriver;
use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use usipipo_domain::access::Hidden;
use usipipo_domain::new_server::{NewServer, ServerAccess, ServerDraft, ServerProblem};
use usipipo_domain::service::Product;
use usipipo_storage::model::{KeyAccess, KeyNodeSpec};

/// Makes one fake server for each name. A server is added with its address as the text; one that begins with `bad` is none.
#[derive(Default)]
pub struct FakeDrivers(Mutex<HashMap<String, Arc<FakeKeyDriver>>>);

impl FakeDrivers {
    /// The server of this name, once its driver was made.
    #[must_use]
    pub fn of(&self, name: &str) -> Option<Arc<FakeKeyDriver>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

#[async_trait]
impl Drivers for FakeDrivers {
    fn make(&self, server: &KeyNodeSpec) -> Result<Arc<dyn KeyDriver>, String> {
        if matches!(server.access, KeyAccess::Unreadable) {
            return Err("what leads to it cannot be opened".to_owned());
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let driver = all.entry(server.name.clone()).or_insert_with(|| {
            Arc::new(match server.product {
                Product::Outline => FakeKeyDriver::outline(),
                _ => FakeKeyDriver::telemt(),
            })
        });
        Ok(Arc::clone(driver) as _)
    }

    async fn check(&self, draft: &ServerDraft, pasted: &Hidden) -> Result<NewServer, ServerProblem> {
        if pasted.expose().starts_with("bad") {
            return Err(ServerProblem::Unreadable);
        }
        let (country, place) = draft.country.clone().unwrap_or_default();
        let (host, port) = draft.place.clone().unwrap_or(("keys.example".to_owned(), 443));
        Ok(NewServer {
            name: draft.name.clone().unwrap_or_default(),
            place,
            country,
            product: draft.product,
            capacity: draft.capacity.unwrap_or(1),
            host,
            port,
            domain: draft.domain.clone().filter(|domain| !domain.is_empty()),
            access: match draft.product {
                Product::Mtproto => ServerAccess::Telemt { api_url: pasted.clone(), auth_header: None },
                _ => ServerAccess::Outline { api_url: pasted.clone(), cert_sha256: "ab".repeat(32) },
            },
        })
    }
}
