//! Texts and captions with their entities.

use super::Call;
use crate::bot_api::error::ApiError;
use crate::text::Entity;
use crate::text::entity;
use crate::text::find;
use crate::text::parse;
use crate::text::utf16_len;

/// The longest text of a message, in UTF-16 units after parsing.
pub const MAX_TEXT: usize = 4096;
/// The longest caption.
pub const MAX_CAPTION: usize = 1024;

/// The text of a message; it must not be empty.
pub fn text(call: &Call<'_>) -> Result<(String, Vec<Entity>), ApiError> {
    let (text, entities) = formatted(call, "text", "entities")?;
    if text.is_empty() {
        return Err(ApiError::bad("message text is empty"));
    }
    if utf16_len(&text) > MAX_TEXT {
        return Err(ApiError::bad("message is too long"));
    }
    Ok((text, entities))
}

/// The caption of a file, empty when left out.
pub fn caption(call: &Call<'_>) -> Result<(String, Vec<Entity>), ApiError> {
    let (text, entities) = formatted(call, "caption", "caption_entities")?;
    if utf16_len(&text) > MAX_CAPTION {
        return Err(ApiError::bad("message caption is too long"));
    }
    Ok((text, entities))
}

fn formatted(
    call: &Call<'_>,
    text_name: &str,
    entities_name: &str,
) -> Result<(String, Vec<Entity>), ApiError> {
    let source = call.arguments.text(text_name).unwrap_or_default();
    let given = call.arguments.get(entities_name);
    let mode = call.arguments.filled("parse_mode");
    let (text, entities) = match mode {
        None => {
            let entities = given
                .map(|value| serde_json::from_value(value.clone()))
                .transpose();
            let entities: Vec<Entity> = entities
                .map_err(|_| ApiError::bad("can't parse MessageEntity"))?
                .unwrap_or_default();
            if !entity::fit(source, &entities) {
                return Err(ApiError::bad(
                    "can't parse entities: an entity begins or ends outside the text or within a character",
                ));
            }
            (source.to_owned(), entities)
        }
        Some(_) if given.is_some() => {
            return Err(ApiError::bad(format!(
                "parse_mode and {entities_name} exclude each other"
            )));
        }
        Some(mode) if mode.eq_ignore_ascii_case("html") => parse::html(source)
            .map_err(|error| ApiError::bad(format!("can't parse entities: {error}")))?,
        Some(mode)
            if mode.eq_ignore_ascii_case("markdown") || mode.eq_ignore_ascii_case("markdownv2") =>
        {
            return Err(ApiError::bad(format!(
                "parse_mode {mode} is not simulated, use HTML"
            )));
        }
        Some(_) => return Err(ApiError::bad("unsupported parse_mode")),
    };
    let (text, entities) = entity::trim(&text, entities);
    let entities = find::complete(&text, entities);
    Ok((text, entities))
}
