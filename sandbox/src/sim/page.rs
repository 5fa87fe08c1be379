//! The chat page: one document with its style sheets and scripts, built in, or read from a directory while it is worked on.

use axum::extract::Path;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::header::CONTENT_TYPE;
use axum::http::header::REFERRER_POLICY;
use axum::http::header::X_CONTENT_TYPE_OPTIONS;
use axum::response::IntoResponse;
use axum::response::Response;

use super::SimError;
use crate::world::Shared;

const INDEX: &str = "index.html";

/// Nothing comes from elsewhere, and nothing that a bot or a person writes can run.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! parts {
    ($($name:literal: $kind:expr,)*) => {
        /// Every part: name, content type, content.
        const PARTS: &[(&str, &str, &str)] = &[$(($name, $kind, include_str!(concat!("../../web/", $name)))),*];
    };
}

parts! {
    "index.html": HTML,
    "page.css": CSS,
    "chat.css": CSS,
    "icon.svg": SVG,
    "main.js": JS,
    "api.js": JS,
    "store.js": JS,
    "texts.js": JS,
    "dom.js": JS,
    "bar.js": JS,
    "people.js": JS,
    "column.js": JS,
    "message.js": JS,
    "composer.js": JS,
    "actions.js": JS,
}

/// `GET /`
pub async fn index(State(world): State<Shared>) -> Response {
    serve(&world, INDEX).await
}

/// `GET /web/{name}`
pub async fn part(State(world): State<Shared>, Path(name): Path<String>) -> Response {
    serve(&world, &name).await
}

async fn serve(world: &Shared, name: &str) -> Response {
    // Only known names, so that none leads out of the directory.
    let Some((name, kind, content)) = PARTS.iter().find(|(known, _, _)| *known == name) else {
        return SimError::missing(format!("the page has no part {name}")).into_response();
    };
    let content = match &world.settings.page {
        None => (*content).to_owned(),
        Some(page) => {
            let path = if *name == INDEX {
                page.clone()
            } else {
                page.with_file_name(name)
            };
            match tokio::fs::read_to_string(&path).await {
                Ok(content) => content,
                Err(error) => {
                    return SimError::missing(format!("{}: {error}", path.display()))
                        .into_response();
                }
            }
        }
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        // A new sandbox may serve a new page at the old address.
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, content).into_response()
}
