//! What Telegram shows of the bot before anybody writes to it: commands and descriptions, in every language.

use crate::telegram::api::{Api, ApiError, Method};
use crate::telegram::texts::Words;
use std::collections::BTreeSet;
use teloxide::payloads::{
    SetMyCommands, SetMyCommandsSetters as _, SetMyDescription, SetMyDescriptionSetters as _, SetMyShortDescription,
    SetMyShortDescriptionSetters as _,
};
use teloxide::types::{BotCommand, BotCommandScope, ChatId, Recipient};
use usipipo_actors::domain::ids::UserId;
use usipipo_actors::domain::lang::Lang;
use usipipo_actors::domain::permission::{Permission, Role, Staff};

/// Announces everything; `default` is for people whose language we do not speak. Staff see their own commands as well, as far
/// as they have a chat with the bot: Telegram takes a list of commands for an existing chat only.
pub(super) async fn announce(api: &Api, default: Lang, staff: &Staff) -> Result<(), ApiError> {
    let languages = [(Words(default), None)].into_iter().chain(Lang::ALL.map(|lang| (Words(lang), Some(lang.code()))));
    for (words, code) in languages.clone() {
        announce_in(api, words, code).await?;
    }
    let members: BTreeSet<UserId> = Permission::ALL.into_iter().flat_map(|held| staff.holders(held)).collect();
    for user in members {
        let scope = BotCommandScope::Chat { chat_id: Recipient::Id(ChatId(user.0)) };
        for (words, code) in languages.clone() {
            match set_commands(api, scope.clone(), commands(words, staff.role_of(user)), code).await {
                // No chat yet; the next start tries again.
                Err(ApiError::Refused(_) | ApiError::Forbidden(_)) => break,
                result => result?,
            }
        }
    }
    Ok(())
}

async fn set_commands(
    api: &Api,
    scope: BotCommandScope,
    commands: Vec<BotCommand>,
    code: Option<&'static str>,
) -> Result<(), ApiError> {
    let mut list = SetMyCommands::new(commands).scope(scope);
    if let Some(code) = code {
        list = list.language_code(code);
    }
    api.call::<bool>(Method::SetMyCommands, &list).await.map(|_| ())
}

async fn announce_in(api: &Api, words: Words, code: Option<&'static str>) -> Result<(), ApiError> {
    set_commands(api, BotCommandScope::AllPrivateChats, commands(words, Role::User), code).await?;
    let mut description = SetMyDescription::new().description(words.bot_description());
    let mut short = SetMyShortDescription::new().short_description(words.bot_short_description());
    if let Some(code) = code {
        description = description.language_code(code);
        short = short.language_code(code);
    }
    api.call::<bool>(Method::SetMyDescription, &description).await?;
    api.call::<bool>(Method::SetMyShortDescription, &short).await?;
    Ok(())
}

/// The menu that Telegram shows beside the text field; what people need most comes first.
pub(super) fn commands(words: Words, role: Role) -> Vec<BotCommand> {
    let everyone = [
        ("start", words.cmd_start()),
        ("vpn", words.cmd_vpn()),
        ("proxy", words.cmd_proxy()),
        ("trial", words.cmd_trial()),
        ("status", words.cmd_status()),
        ("profile", words.cmd_profile()),
        ("settings", words.cmd_settings()),
        ("help", words.cmd_help()),
        ("cancel", words.cmd_cancel()),
        ("privacy", words.cmd_privacy()),
        ("terms", words.cmd_terms()),
    ];
    let staff = [
        (Permission::NodesRead, "nodes", words.cmd_nodes()),
        (Permission::PoolsRead, "pools", words.cmd_pools()),
        (Permission::ServicesGrant, "plans", words.cmd_plans()),
        (Permission::ServicesGrant, "grant", words.cmd_grant()),
        (Permission::DeadLettersRead, "deadletters", words.cmd_deadletters()),
        (Permission::UsersRead, "user", words.cmd_user()),
    ];
    let staff = staff.into_iter().filter(|(needed, ..)| role.holds(*needed)).map(|(_, name, text)| (name, text));
    everyone.into_iter().chain(staff).map(|(name, text)| BotCommand::new(name, text)).collect()
}

#[cfg(test)]
mod tests;
