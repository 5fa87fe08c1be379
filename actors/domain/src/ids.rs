//! Identifiers, one type each, so that a service id cannot be passed where a user id is meant.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map($name)
            }
        }
    };
}

id!(
    /// A Telegram user; in a private chat also the chat. Telegram promises at most 52 significant bits, we allow 63.
    UserId(i64)
);
id!(
    /// A Telegram bot account: the number before the colon of its token.
    BotId(i64)
);
id!(
    /// A WireGuard config, an Outline key or an MTProto proxy of one user.
    ServiceId(i64)
);
id!(
    /// What a screen proposes to do, stored; accepting it twice does it once.
    OfferId(i64)
);
id!(
    /// A version of a plan.
    PlanId(i32)
);
id!(
    /// A server with a driver.
    NodeId(i32)
);
id!(
    /// The addresses of one node for one purpose.
    PoolId(i32)
);
id!(
    /// An address pair held by a service.
    LeaseId(i64)
);
id!(
    /// Our own order of received updates; Telegram's ids may start anew.
    InboxSeq(i64)
);
id!(
    /// A message on its way to Telegram.
    OutboxId(i64)
);
id!(
    /// An update that could not be handled.
    DeadLetterId(i64)
);
id!(
    /// Something admins are told about.
    AlertId(i64)
);
