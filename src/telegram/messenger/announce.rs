//! What Telegram shows of the bot before anybody writes to it: commands and descriptions, in every language.

use crate::telegram::api::{Api, ApiError, Method};
use crate::telegram::texts::Words;
use teloxide::payloads::{
    SetMyCommands, SetMyCommandsSetters as _, SetMyDescription, SetMyDescriptionSetters as _, SetMyShortDescription,
    SetMyShortDescriptionSetters as _,
};
use teloxide::types::{BotCommand, BotCommandScope};
use usipipo_actors::domain::lang::Lang;

/// Announces everything; `default` is for people whose language we do not speak.
pub(super) async fn announce(api: &Api, default: Lang) -> Result<(), ApiError> {
    announce_in(api, Words(default), None).await?;
    for lang in Lang::ALL {
        announce_in(api, Words(lang), Some(lang.code())).await?;
    }
    Ok(())
}

async fn announce_in(api: &Api, words: Words, code: Option<&'static str>) -> Result<(), ApiError> {
    let mut list = SetMyCommands::new(commands(words)).scope(BotCommandScope::AllPrivateChats);
    let mut description = SetMyDescription::new().description(words.bot_description());
    let mut short = SetMyShortDescription::new().short_description(words.bot_short_description());
    if let Some(code) = code {
        list = list.language_code(code);
        description = description.language_code(code);
        short = short.language_code(code);
    }
    api.call::<bool>(Method::SetMyCommands, &list).await?;
    api.call::<bool>(Method::SetMyDescription, &description).await?;
    api.call::<bool>(Method::SetMyShortDescription, &short).await?;
    Ok(())
}

/// The menu that Telegram shows beside the text field; what people need most comes first.
pub(super) fn commands(words: Words) -> Vec<BotCommand> {
    [
        ("start", words.cmd_start()),
        ("vpn", words.cmd_vpn()),
        ("trial", words.cmd_trial()),
        ("status", words.cmd_status()),
        ("profile", words.cmd_profile()),
        ("settings", words.cmd_settings()),
        ("help", words.cmd_help()),
        ("cancel", words.cmd_cancel()),
        ("privacy", words.cmd_privacy()),
        ("terms", words.cmd_terms()),
    ]
    .map(|(name, description)| BotCommand::new(name, description))
    .into()
}
