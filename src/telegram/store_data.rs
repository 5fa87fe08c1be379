//! Screens read from the store.

use crate::telegram::data::{DataError, DataResult, ScreenData};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use usipipo_actors::domain::ids::{AlertId, DeadLetterId, ServiceId, UserId};
use usipipo_actors::domain::service::ServiceCard;
use usipipo_actors::model::{
    AlertRow, ClientConfig, DeadLetterRow, NodeOverview, Page, PoolOverview, SystemStats, Viewer,
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

    async fn services_of(&self, user: UserId, page: u16, per_page: u16) -> DataResult<Page<ServiceCard>> {
        Self::services_of(self, user, page, per_page).await.map_err(data_error)
    }

    async fn card(&self, user: UserId, service: ServiceId) -> DataResult<Option<ServiceCard>> {
        Self::card(self, user, service).await.map_err(data_error)
    }

    async fn client_config(&self, user: UserId, service: ServiceId) -> DataResult<Option<ClientConfig>> {
        Self::client_config(self, user, service).await.map_err(data_error)
    }

    async fn trial_taken(&self, user: UserId) -> DataResult<Option<(ServiceId, DateTime<Utc>)>> {
        Self::trial_taken(self, user).await.map_err(data_error)
    }

    async fn system_stats(&self, now: DateTime<Utc>) -> DataResult<SystemStats> {
        Self::system_stats(self, now).await.map_err(data_error)
    }

    async fn node_overviews(&self) -> DataResult<Vec<NodeOverview>> {
        Self::node_overviews(self).await.map_err(data_error)
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
