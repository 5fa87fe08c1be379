//! How a proxy server gets its promotion tag.

use async_trait::async_trait;
use usipipo_domain::promotion::AdTag;

/// Where a proxy server's users connect; what @MTProxybot asks for first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromotedPlace {
    /// Name or address.
    pub host: String,
    /// TCP.
    pub port: u16,
}

/// What a registrar made of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Registered {
    /// @MTProxybot gave this tag.
    Tag(AdTag),
    /// An admin has to talk to @MTProxybot: the bot leads them through it, step by step.
    ByAdmin,
}

/// The registrar failed; the admin is led through it instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("@MTProxybot could not be asked: {0}")]
pub struct RegistrarError(pub String);

/// Registers proxy servers with @MTProxybot. Bots cannot write to it, so what does it by itself needs a user's account; it
/// chooses a secret for the registration that is nobody's.
#[async_trait]
pub trait PromotionRegistrar: Send + Sync + 'static {
    /// Registers a server, or says that an admin is to do it. Calls may be repeated; each may give another tag.
    async fn register(&self, place: &PromotedPlace) -> Result<Registered, RegistrarError>;
}

/// Leaves it to the admin: the conversation of [`usipipo_domain::promotion::PromotionStep`].
#[derive(Debug, Clone, Copy, Default)]
pub struct ByAdmin;

#[async_trait]
impl PromotionRegistrar for ByAdmin {
    async fn register(&self, _: &PromotedPlace) -> Result<Registered, RegistrarError> {
        Ok(Registered::ByAdmin)
    }
}
