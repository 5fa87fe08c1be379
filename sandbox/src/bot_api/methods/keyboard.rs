//! The rules of keyboards.

use reqwest::Url;
use serde_json::Value;

use super::Call;
use crate::bot_api::error::ApiError;
use crate::text::utf16_len;

/// Buttons in a row.
pub const MAX_ROW: usize = 8;
/// Buttons in a keyboard.
pub const MAX_BUTTONS: usize = 100;
/// Bytes of `callback_data`.
pub const MAX_DATA_BYTES: usize = 64;
/// Length of `copy_text`.
pub const MAX_COPY_TEXT: usize = 256;

const LOOKS: [&str; 3] = ["text", "icon_custom_emoji_id", "style"];

/// What a `reply_markup` means.
#[derive(Debug, Default, PartialEq)]
pub enum Markup {
    /// Nothing was given.
    #[default]
    None,
    /// Rows of inline buttons; `None` when they are empty.
    Inline(Option<Value>),
    /// Rows of labels below the input field.
    Reply(Vec<Vec<String>>),
    /// The labels go away.
    Remove,
    /// The client opens its reply field.
    Force,
}

/// Reads and checks `reply_markup`. A pay button belongs to invoices only.
pub fn markup(call: &Call<'_>, invoice: bool) -> Result<Markup, ApiError> {
    let Some(value) = call.arguments.get("reply_markup") else {
        return Ok(Markup::None);
    };
    if let Some(rows) = value["inline_keyboard"].as_array() {
        return inline(rows, invoice).map(Markup::Inline);
    }
    if let Some(rows) = value["keyboard"].as_array() {
        return reply(rows).map(Markup::Reply);
    }
    if value["remove_keyboard"] == true {
        return Ok(Markup::Remove);
    }
    if value["force_reply"] == true {
        return Ok(Markup::Force);
    }
    Err(ApiError::bad(
        "can't parse reply keyboard markup JSON object",
    ))
}

fn inline(rows: &[Value], invoice: bool) -> Result<Option<Value>, ApiError> {
    let rows: Vec<&Vec<Value>> = rows
        .iter()
        .filter_map(Value::as_array)
        .filter(|row| !row.is_empty())
        .collect();
    count(&rows)?;
    for (index, button) in rows.iter().copied().flatten().enumerate() {
        check_button(button, invoice && index == 0)?;
    }
    if invoice && !rows.is_empty() && rows[0][0]["pay"] != true {
        return Err(ApiError::bad(
            "the first button of an invoice must be a pay button",
        ));
    }
    Ok((!rows.is_empty()).then(|| {
        Value::Array(
            rows.into_iter()
                .map(|row| Value::Array(row.clone()))
                .collect(),
        )
    }))
}

fn count(rows: &[&Vec<Value>]) -> Result<(), ApiError> {
    if rows.iter().any(|row| row.len() > MAX_ROW) {
        return Err(ApiError::bad(format!(
            "reply markup is too long: more than {MAX_ROW} buttons in a row"
        )));
    }
    if rows.iter().map(|row| row.len()).sum::<usize>() > MAX_BUTTONS {
        return Err(ApiError::bad(format!(
            "reply markup is too long: more than {MAX_BUTTONS} buttons"
        )));
    }
    Ok(())
}

fn reply(rows: &[Value]) -> Result<Vec<Vec<String>>, ApiError> {
    let rows: Vec<&Vec<Value>> = rows
        .iter()
        .filter_map(Value::as_array)
        .filter(|row| !row.is_empty())
        .collect();
    count(&rows)?;
    let label = |button: &Value| {
        button
            .as_str()
            .or_else(|| button["text"].as_str())
            .unwrap_or_default()
            .to_owned()
    };
    let labels: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(label).collect())
        .collect();
    if labels.is_empty() {
        return Err(ApiError::bad("reply keyboard must not be empty"));
    }
    if labels.iter().flatten().any(|text| text.trim().is_empty()) {
        return Err(unparsable("text must be non-empty"));
    }
    Ok(labels)
}

fn unparsable(reason: &str) -> ApiError {
    ApiError::bad(format!("can't parse inline keyboard button: {reason}"))
}

fn check_button(button: &Value, may_pay: bool) -> Result<(), ApiError> {
    let Some(object) = button.as_object() else {
        return Err(unparsable("it must be an Object"));
    };
    if button["text"]
        .as_str()
        .is_none_or(|text| text.trim().is_empty())
    {
        return Err(unparsable("text must be non-empty"));
    }
    if let Some(style) = button["style"].as_str()
        && !["danger", "success", "primary"].contains(&style)
    {
        return Err(unparsable("invalid button style specified"));
    }
    let mut actions = object
        .iter()
        .filter(|(name, value)| !LOOKS.contains(&name.as_str()) && !value.is_null());
    let Some((name, value)) = actions.next() else {
        return Err(unparsable(
            "Text buttons are unallowed in the inline keyboard",
        ));
    };
    if let Some((other, _)) = actions.next() {
        return Err(unparsable(&format!(
            "exactly one action is expected, found {name} and {other}"
        )));
    }
    match name.as_str() {
        "callback_data" => {
            let bytes = value.as_str().map_or(0, str::len);
            if bytes == 0 || bytes > MAX_DATA_BYTES {
                return Err(ApiError::bad("BUTTON_DATA_INVALID"));
            }
        }
        "url" => check_url(value.as_str().unwrap_or_default())?,
        "copy_text" => {
            let length = value["text"].as_str().map_or(0, utf16_len);
            if length == 0 || length > MAX_COPY_TEXT {
                return Err(ApiError::bad("BUTTON_COPY_TEXT_INVALID"));
            }
        }
        "web_app" => {
            let url = value["url"].as_str().unwrap_or_default();
            if !Url::parse(url).is_ok_and(|url| url.scheme() == "https") {
                return Err(ApiError::bad(format!(
                    "inline keyboard button Web App URL '{url}' is invalid: Only HTTPS links are allowed"
                )));
            }
        }
        "pay" if !may_pay => return Err(ApiError::bad("BUTTON_TYPE_INVALID")),
        "callback_game" => return Err(ApiError::bad("BUTTON_TYPE_INVALID")),
        _ => {}
    }
    Ok(())
}

/// A link must be HTTP with a real host, or one of Telegram's own schemes; a bare host counts as HTTP.
fn check_url(text: &str) -> Result<(), ApiError> {
    let invalid = |reason: &str| {
        ApiError::bad(format!(
            "inline keyboard button URL '{text}' is invalid: {reason}"
        ))
    };
    if text.is_empty() {
        return Err(invalid("URL must be non-empty"));
    }
    if text.contains(char::is_whitespace) {
        return Err(invalid("Wrong HTTP URL"));
    }
    let full = if text.contains(':') && Url::parse(text).is_ok() {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let url = Url::parse(&full).map_err(|_| invalid("Wrong HTTP URL"))?;
    match url.scheme() {
        "http" | "https" => {
            let host = url.host_str().unwrap_or_default();
            if host.contains('.') || host.starts_with('[') {
                Ok(())
            } else {
                Err(invalid("Wrong HTTP URL"))
            }
        }
        "tg" | "ton" | "tonsite" => Ok(()),
        _ => Err(invalid("Unsupported URL protocol")),
    }
}
