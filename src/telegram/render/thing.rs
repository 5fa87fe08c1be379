//! The thing itself, where it is a link: for Outline's apps, or for Telegram. What is made here holds secrets; nothing of it is
//! logged or kept.

use super::{Ctx, Face, service};
use crate::mtproto::{Secret, SecretKey, SecretKind};
use crate::outline::{Cipher, access_link};
use crate::telegram::html::Html;
use crate::telegram::keyboard::{Action, Keyboard, Link};
use crate::telemt::proxy_link;
use secrecy::{ExposeSecret as _, SecretString};
use usipipo_actors::domain::access::KeySecret;
use usipipo_actors::domain::callback::Button;
use usipipo_actors::domain::service::Product;
use usipipo_actors::model::{ClientConfig, Thing};

/// Outline's own apps, where their maker offers them.
const OUTLINE_IOS: &str = "https://apps.apple.com/app/outline-app/id1356177741";
const OUTLINE_ANDROID: &str = "https://play.google.com/store/apps/details?id=org.outline.android.client";
const OUTLINE_PC: &str = "https://getoutline.org/get-started/#step-3";

/// Links of a proxy, best first: with a domain the one that looks like a web page, then the padded one.
fn proxy(thing: &Thing) -> Vec<SecretString> {
    let Thing::Mtproto { secret: KeySecret::Mtproto(bytes), host, port, domain } = thing else {
        return Vec::new();
    };
    let kinds = [domain.clone().map(|domain| SecretKind::FakeTls { domain }), Some(SecretKind::Padded)];
    let link = |kind| proxy_link(host, *port, &Secret { kind, key: SecretKey::new(*bytes) });
    kinds.into_iter().flatten().map(link).collect()
}

/// What opens a proxy in Telegram; `None` for what is no proxy.
pub(super) fn connect(config: &ClientConfig) -> Option<Link> {
    proxy(&config.thing).into_iter().next().map(Link::secret)
}

/// The link by itself, for a picture; `None` for a service that is a file.
pub(crate) fn address(config: &ClientConfig) -> Option<SecretString> {
    match &config.thing {
        Thing::Tunnel(_) => None,
        Thing::Outline { password, host, port } => {
            Some(access_link(Cipher::default(), password, host, *port, &config.card.name))
        }
        Thing::Mtproto { .. } => proxy(&config.thing).into_iter().next(),
    }
}

/// A tap copies it.
fn to_copy(link: &SecretString) -> Html {
    Html::code(link.expose_secret())
}

/// The message that hands a link over; `None` for a service that is a file.
pub(super) fn link(ctx: Ctx<'_>, config: &ClientConfig) -> Option<Face> {
    match &config.thing {
        Thing::Tunnel(_) => None,
        Thing::Outline { .. } => outline(ctx, config),
        Thing::Mtproto { .. } => mtproto(ctx, config),
    }
}

fn qr_and_card(ctx: Ctx<'_>, config: &ClientConfig) -> [(String, Button); 2] {
    let qr = (ctx.words.btn_qr(), Button::Qr { service: config.card.id });
    [qr, service::card_button(ctx, &config.card)]
}

fn outline(ctx: Ctx<'_>, config: &ClientConfig) -> Option<Face> {
    let words = ctx.words;
    let mut html = words.link_outline(&config.card.name);
    html.paragraph(&to_copy(&address(config)?));
    html.paragraph(&words.link_private(Product::Outline.as_str()));
    let keyboard = Keyboard::default()
        .row([
            (words.btn_ios(), Link::page(OUTLINE_IOS)),
            (words.btn_android(), Link::page(OUTLINE_ANDROID)),
            (words.btn_pc(), Link::page(OUTLINE_PC)),
        ])
        .row(qr_and_card(ctx, config));
    Some((html, keyboard))
}

fn mtproto(ctx: Ctx<'_>, config: &ClientConfig) -> Option<Face> {
    let words = ctx.words;
    let links = proxy(&config.thing);
    let mut html = words.link_mtproto(&config.card.name);
    let mut keyboard = Keyboard::default();
    match links.as_slice() {
        [] => return None,
        [link] => {
            html.paragraph(&words.link_mtproto_copy());
            html.line(&to_copy(link));
        }
        [disguised, padded, ..] => {
            html.paragraph(&words.link_mtproto_tls());
            html.line(&to_copy(disguised));
            html.paragraph(&words.link_mtproto_plain());
            html.line(&to_copy(padded));
        }
    }
    html.paragraph(&words.link_private(Product::Mtproto.as_str()));
    let labels = [words.btn_connect(), words.btn_connect_plain()];
    for (label, link) in labels.into_iter().zip(links) {
        keyboard.push([(label, Action::Open(Link::secret(link)))]);
    }
    Some((html, keyboard.row(qr_and_card(ctx, config))))
}
