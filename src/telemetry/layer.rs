//! Turns events into lines.

use super::redact::redact;
use super::sink::Sink;
use crate::clock;
use crate::config::LogFormat;
use chrono::SecondsFormat;
use serde_json::{Map, Value};
use std::fmt::{self, Write as _};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// Whom a line is about where no person caused it.
const SYSTEM: &str = "SYSTEM";

/// Fields of an event or span in the order they came.
#[derive(Debug, Default)]
struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    fn put(&mut self, name: &'static str, value: Value) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        let at = self.0.iter().position(|(known, _)| *known == name)?;
        Some(self.0.remove(at).1)
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field.name(), Value::String(format!("{value:?}")));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field.name(), Value::String(value.to_owned()));
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), value.into());
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field.name(), value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), value.into());
    }
    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field.name(), Value::String(value.to_string()));
    }
}

/// Writes each event as one line.
#[derive(Debug)]
pub(super) struct LogLayer {
    format: LogFormat,
    colours: bool,
    sink: Sink,
}

impl LogLayer {
    pub(super) fn new(format: LogFormat, colours: bool, sink: Sink) -> Self {
        Self { format, colours, sink }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for LogLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().replace(fields);
        }
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            record.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        // Outer spans first, so that the nearest value of a name wins.
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(inner) = span.extensions().get::<Fields>() {
                inner.0.iter().for_each(|(name, value)| fields.put(name, value.clone()));
            }
        }
        event.record(&mut fields);
        let line = Line {
            time: clock::wall().to_rfc3339_opts(SecondsFormat::Micros, true),
            level: *event.metadata().level(),
            target: event.metadata().target(),
            message: fields.take("message").map(|message| plain(&message)).unwrap_or_default(),
            user: fields.take("user").map_or_else(|| SYSTEM.to_owned(), |user| plain(&user)),
            actor: fields.take("actor").map(|actor| plain(&actor)),
            fields,
        };
        let mut text = match self.format {
            LogFormat::Text => line.text(self.colours),
            LogFormat::Json => line.json(),
        };
        if let std::borrow::Cow::Owned(clean) = redact(&text) {
            text = clean;
        }
        text.push('\n');
        self.sink.line(text);
    }
}

struct Line<'a> {
    time: String,
    level: Level,
    target: &'a str,
    message: String,
    user: String,
    actor: Option<String>,
    fields: Fields,
}

impl Line<'_> {
    fn text(self, colours: bool) -> String {
        let (on, off) = if colours { (colour(self.level), "\x1b[0m") } else { ("", "") };
        let mut text = format!("{} {on}{:>5}{off} user={}", self.time, self.level, one_line(&self.user));
        if let Some(actor) = &self.actor {
            let _ = write!(text, " actor={}", one_line(actor));
        }
        let _ = write!(text, " {}: {}", self.target, one_line(&self.message));
        for (name, value) in &self.fields.0 {
            let _ = match value {
                Value::String(word) if is_word(word) => write!(text, " {name}={word}"),
                other => write!(text, " {name}={other}"),
            };
        }
        text
    }

    fn json(self) -> String {
        let mut object = Map::new();
        object.insert("timestamp".to_owned(), self.time.into());
        object.insert("level".to_owned(), self.level.as_str().into());
        object.insert("user".to_owned(), self.user.into());
        if let Some(actor) = self.actor {
            object.insert("actor".to_owned(), actor.into());
        }
        object.insert("target".to_owned(), self.target.into());
        object.insert("message".to_owned(), self.message.into());
        if !self.fields.0.is_empty() {
            let fields = self.fields.0.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            object.insert("fields".to_owned(), Value::Object(fields));
        }
        Value::Object(object).to_string()
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"=".contains(&byte))
}

/// A text from outside must not be able to forge a second line or steer a terminal.
fn one_line(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut line, c| {
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
        line
    })
}

const fn colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\x1b[31m",
        Level::WARN => "\x1b[33m",
        Level::INFO => "\x1b[32m",
        Level::DEBUG => "\x1b[34m",
        Level::TRACE => "\x1b[35m",
    }
}
