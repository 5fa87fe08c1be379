//! Secrets that cannot be opened: the row is left out, and admins are told whose it is.

use super::Who;
use crate::alerts::AlertsMsg;
use crate::metrics as names;
use metrics::gauge;
use std::collections::BTreeSet;
use usipipo_domain::alert::AlertKind;
use usipipo_domain::ids::ServiceId;
use usipipo_storage::StoreError;

/// Most services of one server that have an alert of their own. When more secrets cannot be opened, the master key is missing
/// rather than a row broken, and the first alerts say so as well as thousands; the log and the metric have them all.
const ALERTS_MAX: usize = 8;

/// Services of a server whose secret could not be opened when last looked at.
pub(crate) struct Secrets {
    who: Who,
    /// As last looked at; the first [`ALERTS_MAX`] of them have an alert. `None` until alerts of an earlier actor were looked
    /// for.
    told: Option<BTreeSet<ServiceId>>,
}

impl Secrets {
    pub(crate) fn new(who: &Who) -> Self {
        Self { who: who.clone(), told: None }
    }

    /// Raises an alert for each service whose secret cannot be opened, and ends those of services whose secret can be.
    pub(crate) async fn look(&mut self, sealed: BTreeSet<ServiceId>) -> Result<(), StoreError> {
        let told = match self.told.take() {
            Some(told) => told,
            None => self.alerted().await?,
        };
        let node = &self.who.name;
        let kind = |service| AlertKind::SecretUnreadable { node: node.clone(), service };
        gauge!(names::NODE_SECRETS_UNREADABLE, "node" => node.clone()).set(f64::from(count(&sealed)));
        if !sealed.is_empty() {
            let services = sealed.len();
            tracing::error!(
                actor = self.who.kind,
                node,
                services,
                "secrets cannot be opened; the other services go on"
            );
        }
        let alerts = &self.who.env().directory.alerts;
        for service in sealed.iter().take(ALERTS_MAX) {
            alerts.tell(AlertsMsg::Raise(kind(*service)));
        }
        for service in told.difference(&sealed) {
            alerts.tell(AlertsMsg::Resolve(kind(*service).key()));
        }
        self.told = Some(sealed);
        Ok(())
    }

    /// Services of this server that an earlier actor or process raised an alert for.
    async fn alerted(&self) -> Result<BTreeSet<ServiceId>, StoreError> {
        let open = self.who.env().store.open_alerts().await?;
        let of_ours = |kind| match kind {
            AlertKind::SecretUnreadable { node, service } if node == self.who.name => Some(service),
            _ => None,
        };
        Ok(open.into_iter().filter_map(|row| of_ours(row.kind)).collect())
    }
}

fn count(services: &BTreeSet<ServiceId>) -> u32 {
    u32::try_from(services.len()).unwrap_or(u32::MAX)
}
