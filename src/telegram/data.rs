//! What screens are rendered from: the read-only part of the store, as a trait so that screens are tested without a database.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use usipipo_actors::domain::ids::{AlertId, DeadLetterId, NodeId, OfferId, PlanId, ServiceId, UserId};
use usipipo_actors::domain::plan::{Plan, PlanKind};
use usipipo_actors::domain::service::{Product, Purpose, ServiceCard};
use usipipo_actors::model::{
    AlertRow, ClientConfig, DeadLetterRow, NodeOverview, OfferRow, Page, PoolOverview, PromotionRow, ServerChoice,
    SystemStats, Viewer,
};

/// The rows could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DataError(pub String);

/// The result of a read.
pub type DataResult<T> = Result<T, DataError>;

/// Reads that decide nothing. The methods are those of the store with the same names.
#[async_trait]
pub trait ScreenData: Send + Sync + 'static {
    /// A user, and the message that shows their current screen.
    async fn viewer(&self, user: UserId) -> DataResult<Option<Viewer>>;
    /// A user's services of these products, newest first: live ones and those that ended within the last week.
    async fn services_of(
        &self,
        user: UserId,
        products: &[Product],
        page: u16,
        per_page: u16,
    ) -> DataResult<Page<ServiceCard>>;
    /// One of the user's own services.
    async fn card(&self, user: UserId, service: ServiceId) -> DataResult<Option<ServiceCard>>;
    /// The secrets of one of the user's own services that works or is about to.
    async fn client_config(&self, user: UserId, service: ServiceId) -> DataResult<Option<ClientConfig>>;
    /// A service's traffic of the last days in bytes, oldest first, today last.
    async fn usage_history(&self, service: ServiceId, days: u16, now: DateTime<Utc>) -> DataResult<Vec<u64>>;
    /// Products that the user could have for nothing now, with the kind of plan.
    async fn free_choices(&self, user: UserId) -> DataResult<Vec<(Product, PlanKind)>>;
    /// What one of the user's offers is about.
    async fn offer(&self, user: UserId, offer: OfferId) -> DataResult<Option<OfferRow>>;
    /// Plans on offer.
    async fn plans(&self) -> DataResult<Vec<Plan>>;
    /// One plan, on offer or not.
    async fn plan(&self, plan: PlanId) -> DataResult<Option<Plan>>;
    /// Servers that take new services of a product.
    async fn server_choices(&self, product: Product, purpose: Purpose) -> DataResult<Vec<ServerChoice>>;
    /// The whole system in numbers.
    async fn system_stats(&self, now: DateTime<Utc>) -> DataResult<SystemStats>;
    /// Every server.
    async fn node_overviews(&self) -> DataResult<Vec<NodeOverview>>;
    /// What a server of proxies is registered and promoted with.
    async fn promotion(&self, node: NodeId) -> DataResult<Option<PromotionRow>>;
    /// Every address pool.
    async fn pool_overviews(&self, now: DateTime<Utc>) -> DataResult<Vec<PoolOverview>>;
    /// Updates that failed; open ones first, newest first.
    async fn dead_letters(&self, page: u16, per_page: u16) -> DataResult<Page<DeadLetterRow>>;
    /// One of them.
    async fn dead_letter(&self, id: DeadLetterId) -> DataResult<Option<DeadLetterRow>>;
    /// An alert.
    async fn alert(&self, id: AlertId) -> DataResult<Option<AlertRow>>;
}
