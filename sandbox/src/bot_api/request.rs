//! The parameters of a call, wherever they came in: query, form, JSON or multipart.

use std::collections::HashMap;

use axum::body::Bytes;
use axum::extract::FromRequest;
use axum::extract::Multipart;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use serde_json::Value;

use super::error::ApiError;
use super::schema::Field;
use super::schema::Kind;
use super::schema::Method;
use super::schema::Schema;
use crate::percent;

/// The largest body: a document of 50 MB and its form.
pub const MAX_BODY_BYTES: usize = 51 * 1024 * 1024;

/// A file of a multipart body.
#[derive(Clone, Debug)]
pub struct Upload {
    /// As the client named it.
    pub file_name: String,
    /// As the client said, if it did.
    pub mime: Option<String>,
    /// The content.
    pub bytes: Bytes,
}

/// Parameters as they came: texts of a form, values of a JSON object, files.
#[derive(Debug, Default)]
pub struct Incoming {
    texts: Vec<(String, String)>,
    values: Vec<(String, Value)>,
    files: HashMap<String, Upload>,
}

impl Incoming {
    /// Reads query and body.
    pub async fn read(request: Request) -> Result<Self, ApiError> {
        let mut incoming = Self::default();
        if let Some(query) = request.uri().query() {
            incoming.texts = percent::pairs(query);
        }
        let content_type = request.headers().get(CONTENT_TYPE);
        let content_type = content_type
            .and_then(|value| value.to_str().ok())
            .unwrap_or("")
            .to_ascii_lowercase();
        if content_type.starts_with("multipart/form-data") {
            incoming.read_multipart(request).await?;
            return Ok(incoming);
        }
        let body = axum::body::to_bytes(request.into_body(), MAX_BODY_BYTES)
            .await
            .map_err(|_| too_large())?;
        if body.is_empty() {
            return Ok(incoming);
        }
        if content_type.starts_with("application/json") {
            let value: Value = serde_json::from_slice(&body)
                .map_err(|_| ApiError::bad("can't parse JSON object"))?;
            let Value::Object(object) = value else {
                return Err(ApiError::bad("object expected as request"));
            };
            incoming.values.extend(object);
        } else if content_type.starts_with("application/x-www-form-urlencoded")
            || content_type.is_empty()
        {
            let form = std::str::from_utf8(&body)
                .map_err(|_| ApiError::bad("strings must be encoded in UTF-8"))?;
            incoming.texts.extend(percent::pairs(form));
        }
        Ok(incoming)
    }

    /// From an object, as in the answer to a webhook.
    pub fn from_object(object: serde_json::Map<String, Value>) -> Self {
        Self {
            values: object.into_iter().collect(),
            ..Self::default()
        }
    }

    async fn read_multipart(&mut self, request: Request) -> Result<(), ApiError> {
        let malformed = |_| ApiError::bad("can't parse multipart request");
        let mut form = Multipart::from_request(request, &())
            .await
            .map_err(|_| ApiError::bad("can't parse multipart request"))?;
        let mut total = 0;
        while let Some(part) = form.next_field().await.map_err(malformed)? {
            let name = part.name().unwrap_or_default().to_owned();
            let file_name = part.file_name().map(str::to_owned);
            let mime = part.content_type().map(str::to_owned);
            let bytes = part.bytes().await.map_err(|_| too_large())?;
            total += bytes.len();
            if total > MAX_BODY_BYTES {
                return Err(too_large());
            }
            if let Some(file_name) = file_name {
                self.files.insert(
                    name,
                    Upload {
                        file_name,
                        mime,
                        bytes,
                    },
                );
            } else {
                let text = String::from_utf8(bytes.to_vec());
                let text = text.map_err(|_| ApiError::bad("strings must be encoded in UTF-8"))?;
                self.texts.push((name, text));
            }
        }
        Ok(())
    }

    /// A number among the parameters, before they are checked: for the list of calls and faults.
    pub fn peek_integer(&self, name: &str) -> Option<i64> {
        let text = self
            .texts
            .iter()
            .find(|(key, _)| key == name)
            .and_then(|(_, text)| text.parse().ok());
        text.or_else(|| {
            self.values
                .iter()
                .find(|(key, _)| key == name)
                .and_then(|(_, value)| value.as_i64())
        })
    }

    /// Checks everything against the table.
    pub fn check(self, schema: &Schema, method: &Method) -> Result<Arguments, ApiError> {
        let mut arguments = Arguments {
            values: HashMap::new(),
            files: self.files,
        };
        let unknown =
            |name: &str| ApiError::bad(format!("unknown parameter \"{name}\" of {}", method.name));
        let mut attached = Vec::new();
        for (name, text) in self.texts {
            let field = method.parameters.get(&name).ok_or_else(|| unknown(&name))?;
            if let Some(value) = from_text(field, &name, text)? {
                arguments.values.insert(name, value);
            }
        }
        for (name, value) in self.values {
            let field = method.parameters.get(&name).ok_or_else(|| unknown(&name))?;
            match value {
                Value::Null => {}
                Value::String(text) if field.is_structured() => {
                    if let Some(value) = from_text(field, &name, text)? {
                        arguments.values.insert(name, value);
                    }
                }
                value => {
                    arguments.values.insert(name, value);
                }
            }
        }
        for (name, value) in &arguments.values {
            let Some(field) = method.parameters.get(name) else {
                continue;
            };
            if field.takes(&Kind::File)
                && let Some(part) = value
                    .as_str()
                    .and_then(|text| text.strip_prefix("attach://"))
            {
                attached.push((name.clone(), part.to_owned()));
                continue;
            }
            schema.check(field, value, name).map_err(ApiError::bad)?;
        }
        for (name, part) in attached {
            let file = arguments.files.remove(&part);
            let file =
                file.ok_or_else(|| ApiError::bad(format!("attached file \"{part}\" not found")))?;
            arguments.values.remove(&name);
            arguments.files.insert(name, file);
        }
        for name in arguments.files.keys() {
            let field = method.parameters.get(name).ok_or_else(|| unknown(name))?;
            if !field.takes(&Kind::File) {
                return Err(ApiError::bad(format!(
                    "parameter \"{name}\" must not be a file"
                )));
            }
        }
        let absent = |name: &String| {
            !arguments.values.contains_key(name) && !arguments.files.contains_key(name)
        };
        match method
            .parameters
            .iter()
            .filter(|(name, field)| field.required && absent(name))
            .map(|(name, _)| name)
            .min()
        {
            Some(name) => Err(missing(name)),
            None => Ok(arguments),
        }
    }
}

fn too_large() -> ApiError {
    ApiError::new(413, "Request Entity Too Large")
}

fn missing(name: &str) -> ApiError {
    ApiError::bad(match name {
        "chat_id" => "chat_id is empty".to_owned(),
        "text" => "message text is empty".to_owned(),
        "message_id" => "message identifier is not specified".to_owned(),
        "document" | "photo" => format!("there is no {name} in the request"),
        other => format!("parameter \"{other}\" is required"),
    })
}

/// A text of a form as a value of the field's type; an empty one of another type than text counts as left out.
fn from_text(field: &Field, name: &str, text: String) -> Result<Option<Value>, ApiError> {
    if field.takes(&Kind::Integer) {
        if let Ok(number) = text.trim().parse::<i64>() {
            return Ok(Some(Value::from(number)));
        }
        if !field.takes(&Kind::String) {
            return if text.is_empty() {
                Ok(None)
            } else {
                Err(wrong(name, "Integer"))
            };
        }
    }
    if field.takes(&Kind::String) {
        return Ok(Some(Value::String(text)));
    }
    if text.is_empty() {
        return Ok(None);
    }
    if field.takes(&Kind::Boolean) {
        return match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => Ok(Some(Value::Bool(true))),
            "false" | "0" | "no" => Ok(Some(Value::Bool(false))),
            _ => Err(wrong(name, "Boolean")),
        };
    }
    if field.is_structured() || field.takes(&Kind::Float) {
        return match serde_json::from_str(&text) {
            Ok(value) => Ok(Some(value)),
            Err(_) if name == "reply_markup" => Err(ApiError::bad(
                "can't parse reply keyboard markup JSON object",
            )),
            Err(_) => Err(ApiError::bad(format!("can't parse {name} JSON object"))),
        };
    }
    Err(wrong(name, "InputFile"))
}

fn wrong(name: &str, expected: &str) -> ApiError {
    ApiError::bad(format!("parameter \"{name}\" must be {expected}"))
}

/// Checked parameters.
#[derive(Debug, Default)]
pub struct Arguments {
    /// By name; never null.
    pub values: HashMap<String, Value>,
    /// By name.
    pub files: HashMap<String, Upload>,
}

impl Arguments {
    /// Any value.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// A text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// A text that is not empty.
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.text(name).filter(|text| !text.is_empty())
    }

    /// A number.
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.get(name)?.as_i64()
    }

    /// A flag, false when left out.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).and_then(Value::as_bool).unwrap_or(false)
    }
}
