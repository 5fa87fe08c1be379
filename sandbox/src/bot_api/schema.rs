//! What each method takes: the table made from the description of the Bot API, and checks against it.

use std::collections::HashMap;

use anyhow::Context;
use serde::Deserialize;
use serde_json::Value;

const TABLE: &str = include_str!("methods.json");

#[derive(Deserialize)]
struct RawTable {
    updates: Vec<String>,
    methods: HashMap<String, HashMap<String, RawField>>,
    types: HashMap<String, RawType>,
}

#[derive(Deserialize)]
struct RawField {
    types: Vec<String>,
    #[serde(default)]
    required: bool,
    #[serde(default, rename = "is")]
    constant: Option<String>,
}

#[derive(Deserialize)]
struct RawType {
    #[serde(default)]
    fields: HashMap<String, RawField>,
    #[serde(default)]
    one_of: Vec<String>,
}

/// A type of a parameter or field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole number.
    Integer,
    /// Any number.
    Float,
    /// True or false.
    Boolean,
    /// A text.
    String,
    /// A file of a multipart body.
    File,
    /// A list.
    Array(Box<Kind>),
    /// An object of the table.
    Object(String),
}

impl Kind {
    fn parse(name: &str) -> Self {
        match name {
            "Integer" => Self::Integer,
            "Float" => Self::Float,
            "Boolean" | "True" => Self::Boolean,
            "String" => Self::String,
            "InputFile" => Self::File,
            other => match other.strip_prefix("Array of ") {
                Some(element) => Self::Array(Box::new(Self::parse(element))),
                None => Self::Object(other.to_owned()),
            },
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Integer => "Integer".to_owned(),
            Self::Float => "Float".to_owned(),
            Self::Boolean => "Boolean".to_owned(),
            Self::String => "String".to_owned(),
            Self::File => "InputFile".to_owned(),
            Self::Array(element) => format!("Array of {}", element.name()),
            Self::Object(name) => name.clone(),
        }
    }
}

/// A parameter of a method or a field of an object.
#[derive(Debug)]
pub struct Field {
    /// The alternatives.
    pub kinds: Vec<Kind>,
    /// Whether it must be there.
    pub required: bool,
    constant: Option<String>,
}

impl Field {
    fn new(raw: RawField) -> Self {
        Self {
            kinds: raw.types.iter().map(|name| Kind::parse(name)).collect(),
            required: raw.required,
            constant: raw.constant,
        }
    }

    /// Whether one of the alternatives is this one.
    pub fn takes(&self, kind: &Kind) -> bool {
        self.kinds.contains(kind)
    }

    /// Whether a text stands for JSON, as for objects and lists in a form.
    pub fn is_structured(&self) -> bool {
        self.kinds
            .iter()
            .all(|kind| matches!(kind, Kind::Array(_) | Kind::Object(_)))
    }
}

type Fields = HashMap<String, Field>;

/// A method of the table.
#[derive(Debug)]
pub struct Method {
    /// The name as Telegram writes it.
    pub name: &'static str,
    /// Its parameters.
    pub parameters: Fields,
}

#[derive(Debug)]
enum Type {
    Fields(Fields),
    OneOf(Vec<String>),
}

/// The whole table.
#[derive(Debug)]
pub struct Schema {
    methods: HashMap<String, Method>,
    types: HashMap<String, Type>,
    updates: Vec<String>,
}

impl Schema {
    /// Reads the table that is built in.
    pub fn load() -> anyhow::Result<Self> {
        let raw: RawTable =
            serde_json::from_str(TABLE).context("methods.json does not fit its reader")?;
        let fields = |raw: HashMap<String, RawField>| -> Fields {
            raw.into_iter()
                .map(|(name, field)| (name, Field::new(field)))
                .collect()
        };
        let methods = raw.methods.into_iter().map(|(name, parameters)| {
            // Read once per process, so the names may stay for ever.
            let name: &'static str = Box::leak(name.into_boxed_str());
            (
                name.to_ascii_lowercase(),
                Method {
                    name,
                    parameters: fields(parameters),
                },
            )
        });
        let types = raw.types.into_iter().map(|(name, raw)| {
            let kind = if raw.one_of.is_empty() {
                Type::Fields(fields(raw.fields))
            } else {
                Type::OneOf(raw.one_of)
            };
            (name, kind)
        });
        Ok(Self {
            methods: methods.collect(),
            types: types.collect(),
            updates: raw.updates,
        })
    }

    /// Finds a method, whatever its letter case.
    pub fn method(&self, name: &str) -> Option<&Method> {
        self.methods.get(&name.to_ascii_lowercase())
    }

    /// Whether this is a kind of update.
    pub fn is_update(&self, name: &str) -> bool {
        self.updates.iter().any(|known| known == name)
    }

    /// The kinds of updates.
    pub fn updates(&self) -> &[String] {
        &self.updates
    }

    /// Checks a value against the alternatives of a field; the error says where and what.
    pub fn check(&self, field: &Field, value: &Value, path: &str) -> Result<(), String> {
        if let Some(constant) = &field.constant
            && value.as_str() != Some(constant)
        {
            return Err(format!("field \"{path}\" must be \"{constant}\""));
        }
        let mut wrong = None;
        for kind in &field.kinds {
            match self.check_kind(kind, value, path) {
                Ok(()) => return Ok(()),
                // Of several objects the one it looks like gives the reason.
                Err(reason) if field.kinds.len() == 1 || self.resembles(kind, value) => {
                    wrong = Some(reason)
                }
                Err(_) => {}
            }
        }
        Err(wrong.unwrap_or_else(|| {
            let expected = field
                .kinds
                .iter()
                .map(Kind::name)
                .collect::<Vec<_>>()
                .join(" or ");
            format!(
                "field \"{path}\" must be {expected}, not {}",
                describe(value)
            )
        }))
    }

    fn check_kind(&self, kind: &Kind, value: &Value, path: &str) -> Result<(), String> {
        let fits = match kind {
            Kind::Integer => value.is_i64() || value.is_u64(),
            Kind::Float => value.is_number(),
            Kind::Boolean => value.is_boolean(),
            Kind::String => value.is_string(),
            Kind::File => false,
            Kind::Array(element) => return self.check_array(element, value, path),
            Kind::Object(name) => return self.check_object(name, value, path),
        };
        if fits {
            Ok(())
        } else {
            Err(format!(
                "field \"{path}\" must be {}, not {}",
                kind.name(),
                describe(value)
            ))
        }
    }

    fn check_array(&self, element: &Kind, value: &Value, path: &str) -> Result<(), String> {
        let Some(items) = value.as_array() else {
            return Err(format!(
                "field \"{path}\" must be an Array, not {}",
                describe(value)
            ));
        };
        for (index, item) in items.iter().enumerate() {
            self.check_kind(element, item, &format!("{path}[{index}]"))?;
        }
        Ok(())
    }

    fn check_object(&self, name: &str, value: &Value, path: &str) -> Result<(), String> {
        // A text may stand for a button that has nothing else.
        if name == "KeyboardButton" && value.is_string() {
            return Ok(());
        }
        let Some(object) = value.as_object() else {
            return Err(format!(
                "field \"{path}\" must be {name}, not {}",
                describe(value)
            ));
        };
        let fields = match self.types.get(name) {
            Some(Type::Fields(fields)) => fields,
            Some(Type::OneOf(names)) => {
                let chosen = names.iter().find(|name| self.resembles_object(name, value));
                return match chosen {
                    Some(chosen) => self.check_object(chosen, value, path),
                    None => Err(format!("field \"{path}\" is none of {}", names.join(", "))),
                };
            }
            None => {
                return Err(format!(
                    "field \"{path}\" is of a type that is not simulated, {name}"
                ));
            }
        };
        for (key, item) in object {
            let Some(field) = fields.get(key) else {
                return Err(format!("unknown field \"{path}.{key}\" of {name}"));
            };
            if !item.is_null() {
                self.check(field, item, &format!("{path}.{key}"))?;
            }
        }
        let absent = |key: &str| object.get(key).is_none_or(Value::is_null);
        match fields
            .iter()
            .find(|(key, field)| field.required && absent(key))
        {
            Some((key, _)) => Err(format!("field \"{path}.{key}\" of {name} is required")),
            None => Ok(()),
        }
    }

    fn resembles(&self, kind: &Kind, value: &Value) -> bool {
        match kind {
            Kind::Object(name) => self.resembles_object(name, value),
            Kind::Array(_) => value.is_array(),
            _ => false,
        }
    }

    /// Has every required field, and the constants.
    fn resembles_object(&self, name: &str, value: &Value) -> bool {
        let Some(object) = value.as_object() else {
            return false;
        };
        match self.types.get(name) {
            Some(Type::Fields(fields)) => fields.iter().all(|(key, field)| {
                let found = object.get(key);
                let constant = field.constant.as_deref();
                let same = constant.is_none() || found.and_then(Value::as_str) == constant;
                (!field.required || found.is_some()) && same
            }),
            Some(Type::OneOf(names)) => names.iter().any(|name| self.resembles_object(name, value)),
            None => false,
        }
    }
}

fn describe(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a Boolean",
        Value::Number(number) if number.is_f64() => "a Float",
        Value::Number(_) => "an Integer",
        Value::String(_) => "a String",
        Value::Array(_) => "an Array",
        Value::Object(_) => "an Object",
    }
}
