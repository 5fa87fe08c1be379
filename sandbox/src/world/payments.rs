//! Stars: pre-checkout queries, charges, refunds.

use std::collections::HashMap;
use std::time::Instant;

use serde::Deserialize;
use serde::Serialize;

/// How long a pre-checkout query may be answered, in real seconds.
pub const PRE_CHECKOUT_SECONDS: u64 = 10;

/// A payment that waits for the bot's consent.
#[derive(Clone, Debug)]
pub struct PreCheckout {
    /// Who pays.
    pub person: i64,
    /// Stars.
    pub amount: i64,
    /// The invoice's payload.
    pub payload: String,
    /// When it was asked.
    pub at: Instant,
    /// Whether consent leads to a payment.
    pub pays: bool,
}

/// A payment that went through.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Charge {
    /// `telegram_payment_charge_id`.
    pub id: String,
    /// Who paid.
    pub person: i64,
    /// Stars.
    pub amount: i64,
    /// The invoice's payload.
    pub payload: String,
    /// When.
    pub date: i64,
    /// When it went back, if it did.
    pub refunded: Option<i64>,
}

/// All payments.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Payments {
    /// By query id.
    #[serde(skip)]
    pub pending: HashMap<String, PreCheckout>,
    /// In order of time.
    pub charges: Vec<Charge>,
}
