//! What a service is to its user: a config as a document, a link, a picture of either. Nothing of them is logged or kept; they
//! are read from the rows and gone when sent.

use super::{Sent, TelegramMessenger, render_error, send_error, sent};
use crate::telegram::api::Method;
use crate::telegram::config_file::file_name;
use crate::telegram::html::{CAPTION_MAX_UNITS, Html};
use crate::telegram::keyboard::Keyboard;
use crate::telegram::qr;
use crate::telegram::render::{Reader, address};
use reqwest::multipart::{Form, Part};
use secrecy::{ExposeSecret as _, SecretString};
use usipipo_actors::domain::callback::Button;
use usipipo_actors::domain::ids::{ServiceId, UserId};
use usipipo_actors::domain::outgoing::Place;
use usipipo_actors::domain::screen::Screen;
use usipipo_actors::domain::service::{Product, ServiceCard};
use usipipo_actors::model::Thing;
use usipipo_actors::ports::messenger::{Delivered, SendError};

impl TelegramMessenger {
    /// Sends the thing itself, as a picture if that is asked for and makes sense. A service that has none shows its card,
    /// which says why.
    pub(super) async fn send_config(
        &self,
        chat: UserId,
        service: ServiceId,
        picture: bool,
    ) -> Result<Delivered, SendError> {
        let reader = self.reader(chat).await?;
        let config = self.renderer.data.client_config(chat, service).await.map_err(render_error)?;
        let now = self.clock.now();
        let Some(config) = config else {
            let card = self.renderer.screen(&reader, &Screen::Card { service }, now).await.map_err(render_error)?;
            return self.show(&reader, card, Place::New, now).await;
        };
        let (text, tunnel) = match (&config.thing, address(&config)) {
            (Thing::Tunnel(tunnel), _) => ((self.write_config)(config.card.addresses, tunnel), Some(tunnel)),
            (_, Some(link)) => (link, None),
            (_, None) => return Err(SendError::Rejected("a key of another kind than its server".to_owned())),
        };
        // Without the private key a picture could not be used.
        let drawable = tunnel.is_none_or(|tunnel| tunnel.private_key.is_some());
        if picture
            && drawable
            && let Some(png) = draw(chat, &text).await
        {
            return self.send_picture(&reader, &config.card, png).await;
        }
        match (tunnel, self.renderer.link(&reader, &config, now)) {
            (None, Some(link)) => self.notify(chat, link).await,
            (tunnel, _) => {
                let own_key = tunnel.is_some_and(|tunnel| tunnel.private_key.is_none());
                self.send_document(&reader, &config.card, own_key, &text).await
            }
        }
    }

    async fn send_document(
        &self,
        reader: &Reader,
        card: &ServiceCard,
        own_key: bool,
        text: &SecretString,
    ) -> Result<Delivered, SendError> {
        let words = reader.words;
        let (caption, key) = if own_key {
            let to_card = words.btn_card(card.product.as_str(), &card.name);
            (words.file_caption_own_key(&card.name), (to_card, Button::Card { service: card.id }))
        } else {
            (words.file_caption(&card.name), (words.btn_qr(), Button::Qr { service: card.id }))
        };
        let file = Part::bytes(text.expose_secret().as_bytes().to_vec()).file_name(file_name(&card.name, card.id));
        self.send_file(reader.id, Method::SendDocument, ("document", "text/plain", file), caption, key).await
    }

    async fn send_picture(&self, reader: &Reader, card: &ServiceCard, png: Vec<u8>) -> Result<Delivered, SendError> {
        let words = reader.words;
        let label = match card.product {
            Product::Wireguard => words.btn_file(),
            Product::Outline | Product::Mtproto => words.btn_link(),
        };
        let file = Part::bytes(png).file_name("qr.png");
        let caption = words.qr_caption(card.product.as_str(), &card.name);
        let key = (label, Button::File { service: card.id });
        self.send_file(reader.id, Method::SendPhoto, ("photo", "image/png", file), caption, key).await
    }

    async fn send_file(
        &self,
        chat: UserId,
        method: Method,
        (field, mime, file): (&'static str, &str, Part),
        caption: Html,
        key: (String, Button),
    ) -> Result<Delivered, SendError> {
        let internal = |error: String| SendError::Rejected(error);
        let markup = Keyboard::default().row([key]).markup();
        let form = Form::new()
            .text("chat_id", chat.to_string())
            .text("caption", caption.cut(CAPTION_MAX_UNITS).into_string())
            .text("parse_mode", "HTML")
            .text("reply_markup", serde_json::to_string(&markup).map_err(|error| internal(error.to_string()))?)
            .part(field, file.mime_str(mime).map_err(|error| internal(error.to_string()))?);
        self.api.upload::<Sent>(method, form).await.map(sent).map_err(|error| send_error(chat, error))
    }
}

/// Draws on a thread of its own: it takes a few milliseconds of pure work. `None` sends the file in its place.
async fn draw(chat: UserId, text: &SecretString) -> Option<Vec<u8>> {
    let text = text.clone();
    let drawn = tokio::task::spawn_blocking(move || qr::png(text.expose_secret().as_bytes())).await;
    match drawn {
        Ok(Ok(png)) => Some(png),
        Ok(Err(error)) => {
            tracing::warn!(user = %chat, %error, "a config has no QR code");
            None
        }
        Err(error) => {
            tracing::error!(user = %chat, %error, "drawing a QR code failed");
            None
        }
    }
}
