//! Screens read from the store.

use crate::telegram::data::{DataError, DataResult, ScreenData};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use usipipo_actors::domain::ids::{AlertId, DeadLetterId, NodeId, OfferId, PlanId, ServiceId, UserId};
use usipipo_actors::domain::plan::{Plan, PlanKind};
use usipipo_actors::domain::service::{Product, Purpose, ServiceCard};
use usipipo_actors::model::{
    AlertRow, ClientConfig, DeadLetterRow, NodeOverview, OfferRow, Page, PoolOverview, PromotionRow, ServerChoice,
    SystemStats, Viewer,
};
use usipipo_actors::storage::{Store, StoreError};

fn data_error(error: StoreError) -> DataError {
    DataError(error.to_string())
}

#[async_trait]
impl ScreenData for Store {
    async fn viewer(&self, user: UserId) -> DataResult<Option<Viewer>> {
        Self::viewer(self, user).await.map_err(data_error)
    }

    async fn services_of(
        &self,
        user: UserId,
        products: &[Product],
        page: u16,
        per_page: u16,
    ) -> DataResult<Page<ServiceCard>> {
        Self::services_of(self, user, products, page, per_page).await.map_err(data_error)
    }

    async fn card(&self, user: UserId, service: ServiceId) -> DataResult<Option<ServiceCard>> {
        Self::card(self, user, service).await.map_err(data_error)
    }

    async fn client_config(&self, user: UserId, service: ServiceId) -> DataResult<Option<ClientConfig>> {
        Self::client_config(self, user, service).await.map_err(data_error)
    }

    async fn usage_history(&self, service: ServiceId, days: u16, now: DateTime<Utc>) -> DataResult<Vec<u64>> {
        Self::usage_history(self, service, days, now).await.map_err(data_error)
    }

    async fn free_choices(&self, user: UserId) -> DataResult<Vec<(Product, PlanKind)>> {
        Self::free_choices(self, user).await.map_err(data_error)
    }

    async fn offer(&self, user: UserId, offer: OfferId) -> DataResult<Option<OfferRow>> {
        Self::offer(self, user, offer).await.map_err(data_error)
    }

    async fn plans(&self) -> DataResult<Vec<Plan>> {
        Self::plans(self).await.map_err(data_error)
    }

    async fn plan(&self, plan: PlanId) -> DataResult<Option<Plan>> {
        Self::plan(self, plan).await.map_err(data_error)
    }

    async fn server_choices(&self, product: Product, purpose: Purpose) -> DataResult<Vec<ServerChoice>> {
        Self::server_choices(self, product, purpose).await.map_err(data_error)
    }

    async fn system_stats(&self, now: DateTime<Utc>) -> DataResult<SystemStats> {
        Self::system_stats(self, now).await.map_err(data_error)
    }

    async fn node_overviews(&self) -> DataResult<Vec<NodeOverview>> {
        Self::node_overviews(self).await.map_err(data_error)
    }

    async fn promotion(&self, node: NodeId) -> DataResult<Option<PromotionRow>> {
        Self::promotion(self, node).await.map_err(data_error)
    }

    async fn pool_overviews(&self, now: DateTime<Utc>) -> DataResult<Vec<PoolOverview>> {
        Self::pool_overviews(self, now).await.map_err(data_error)
    }

    async fn dead_letters(&self, page: u16, per_page: u16) -> DataResult<Page<DeadLetterRow>> {
        Self::dead_letters(self, page, per_page).await.map_err(data_error)
    }

    async fn dead_letter(&self, id: DeadLetterId) -> DataResult<Option<DeadLetterRow>> {
        Self::dead_letter(self, id).await.map_err(data_error)
    }

    async fn alert(&self, id: AlertId) -> DataResult<Option<AlertRow>> {
        Self::alert(self, id).await.map_err(data_error)
    }
}
