//! Commands, and how they are read.

use crate::ids::UserId;
use crate::plan::PlanSpec;

/// Commands, as a person types them behind a slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `/start`, with the parameter of the link it came from.
    Start(Option<String>),
    /// `/vpn`
    Vpn,
    /// `/proxy`
    Proxy,
    /// `/trial`
    Trial,
    /// `/profile`
    Profile,
    /// `/status`
    Status,
    /// `/help`
    Help,
    /// `/settings`
    Settings,
    /// `/cancel`
    Cancel,
    /// `/privacy`
    Privacy,
    /// `/terms`
    Terms,
    /// `/nodes`, admins
    Nodes,
    /// `/pools`, admins
    Pools,
    /// `/plans`, admins
    Plans,
    /// `/grant USER PLAN`, admins; `None` when it was typed otherwise
    Grant(Option<(UserId, String)>),
    /// `/deadletters`, admins
    DeadLetters,
    /// `/user ID`, admins; `None` when no number was given
    User(Option<UserId>),
    /// Anything else behind a slash.
    Unknown,
}

impl Command {
    /// Reads a text that begins with a slash: `/name`, `/name@bot`, arguments behind a space. `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix('/')?;
        let (name, argument) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let name = name.split('@').next().unwrap_or(name).to_lowercase();
        let argument = argument.trim();
        Some(match name.as_str() {
            "start" => Self::Start((!argument.is_empty()).then(|| argument.to_owned())),
            "vpn" => Self::Vpn,
            "proxy" => Self::Proxy,
            "trial" => Self::Trial,
            "profile" => Self::Profile,
            "status" => Self::Status,
            "help" => Self::Help,
            "settings" => Self::Settings,
            "cancel" => Self::Cancel,
            "privacy" => Self::Privacy,
            "terms" => Self::Terms,
            "nodes" => Self::Nodes,
            "pools" => Self::Pools,
            "plans" => Self::Plans,
            "grant" => Self::Grant(grant(argument)),
            "deadletters" => Self::DeadLetters,
            "user" => Self::User(argument.parse().ok()),
            _ => Self::Unknown,
        })
    }
}

fn grant(argument: &str) -> Option<(UserId, String)> {
    let mut words = argument.split_whitespace();
    let (user, plan) = (words.next()?.parse().ok()?, words.next()?.to_lowercase());
    (words.next().is_none() && PlanSpec::is_code(&plan)).then_some((user, plan))
}
