// One message as an element.

import { fileUrl } from './api.js';
import { openDocument, openLink, openPhoto, press, sendText } from './actions.js';
import { copy, h, icon, iconButton } from './dom.js';
import { chatOf, nameOf, person, store } from './store.js';
import { sizeOf, t, timeOf } from './texts.js';

/** Pictures are shown this wide at most, in CSS pixels. */
const PHOTO_WIDTH = 320;

/** A few words that stand for a message. */
export function summary(message) {
  if (!message) return t('empty_chat');
  const words = message.text ?? message.caption;
  if (words) return message.document ? `${message.document.file_name} · ${words}` : words;
  if (message.document) return message.document.file_name;
  if (message.photo) return t('photo');
  if (message.sticker) return `${message.sticker.emoji ?? ''} ${t('sticker')}`;
  if (message.location) return t('location');
  if (message.contact) return t('contact');
  if (message.invoice) return `${t('invoice')}: ${message.invoice.title}`;
  return service(message) ?? '';
}

const stars = (amount) => `⭐ ${amount}`;

/** The words of a message about money, or null. */
function service(message) {
  const bot = store.state?.bot.first_name ?? '';
  if (message.payment) return t('paid', { amount: stars(message.payment.total_amount), bot });
  if (message.refund) return t('refunded', { amount: stars(message.refund.total_amount), bot });
  return null;
}

/** Builds the element; `act` has `reply(message)`, `edit(message)` and `jump(id)`. */
export function messageElement(id, message, act) {
  const own = message.from === 'person';
  const words = service(message);
  if (words) {
    return h('li', { class: 'service', data: { id: message.message_id } }, h('span', {}, words));
  }
  const bare = message.sticker && !message.buttons.length;
  return h('li', { class: `message ${own ? 'own' : 'bot'} ${bare ? 'bare' : ''}`, data: { id: message.message_id } },
    h('div', { class: `stack ${message.photo ? 'with-photo' : ''}` },
      h('div', { class: 'bubble' },
        message.reply_to ? quote(id, message.reply_to, act) : null,
        content(message),
        words_(id, message)),
      message.buttons.length ? keys(id, message) : null),
    tools(message, own, act));
}

function quote(id, target, act) {
  const answered = chatOf(id).messages.get(target);
  const who = answered?.from === 'person' ? nameOf(person(id)) : store.state?.bot.first_name;
  return h('button', { type: 'button', class: 'quote', onclick: () => act.jump(target) },
    h('b', {}, who ?? t('bot')), h('span', {}, answered ? summary(answered) : '…'));
}

function content(message) {
  const { document, photo, sticker, location, contact, invoice } = message;
  if (document) return documentCard(document);
  if (photo) return picture(photo);
  if (sticker) return h('div', { class: 'sticker' }, sticker.emoji ?? '👍');
  if (location) return card('pin', t('location'), `${location.latitude.toFixed(4)}, ${location.longitude.toFixed(4)}`);
  if (contact) return card('person', contact.first_name, contact.phone_number);
  if (invoice) {
    return h('div', { class: 'invoice' },
      h('b', {}, invoice.title), h('span', {}, invoice.description), h('strong', {}, stars(invoice.total_amount)));
  }
  return null;
}

const card = (name, title, text) =>
  h('div', { class: 'card' }, h('span', { class: 'card-icon' }, icon(name)), h('span', { class: 'card-text' }, h('b', {}, title), h('small', {}, text)));

function documentCard(document) {
  const dot = document.file_name.lastIndexOf('.');
  const extension = dot > 0 ? document.file_name.slice(dot + 1, dot + 5) : '';
  return h('button', { type: 'button', class: 'card document', 'aria-label': t('preview', { name: document.file_name }), onclick: () => openDocument(document) },
    h('span', { class: 'card-icon' }, extension ? h('em', {}, extension) : icon('file')),
    h('span', { class: 'card-text' }, h('b', {}, document.file_name), h('small', {}, `${sizeOf(document.size)} · ${t('document')}`)));
}

function picture(photo) {
  const width = Math.min(PHOTO_WIDTH, Math.max(photo.width, 200));
  return h('button', { type: 'button', class: 'photo', 'aria-label': t('open_photo'), onclick: () => openPhoto(photo) },
    h('img', { src: fileUrl(photo.file_id), width, height: Math.round((width * photo.height) / photo.width), alt: t('photo') }));
}

/** The text with the time in its last line. */
function words_(id, message) {
  const edited = message.edited && !message.buttons.length;
  const meta = h('span', { class: 'meta' }, edited ? `${t('edited')} ` : '', h('time', {}, timeOf(message.date)));
  const box = h('div', { class: message.html ? 'text' : 'text empty' });
  // The one place where markup is put in: the sandbox renders it from checked entities.
  box.innerHTML = message.html ?? '';
  for (const live of box.querySelectorAll('a, code, pre, .spoiler')) {
    if (live.matches('pre code')) continue;
    live.tabIndex = 0;
    if (!live.href) live.setAttribute('role', 'button');
    if (live.matches('code, pre')) live.title = t('copy');
  }
  const activate = (event) => {
    const live = event.target.closest('a, code, pre, .spoiler');
    if (!live || !box.contains(live)) return;
    event.preventDefault();
    const hidden = event.target.closest('.spoiler:not(.shown)');
    if (hidden) hidden.classList.add('shown');
    else if (live.dataset.cmd) sendText(id, live.dataset.cmd);
    else if (live.getAttribute('href')) openLink(id, live.getAttribute('href'));
    else if (live.matches('code, pre')) copy(live.innerText);
  };
  box.addEventListener('click', (event) => {
    // Whoever marks a text wants to copy a part.
    if (String(getSelection()) === '') activate(event);
  });
  box.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' || event.key === ' ') activate(event);
  });
  box.append(meta);
  return box;
}

const KEY_ICONS = { url: 'link', copy: 'copy', web_app: 'link', pay: 'star' };

/** What a press is known by: the message and the button's data. */
export const pressKey = (messageId, button) => `${messageId}:${button.kind}:${button.data ?? button.text}`;

function keys(id, message) {
  return h('div', { class: 'keys' }, message.buttons.map((row, r) =>
    h('div', { class: 'keys-row' }, row.map((button, c) =>
      h('button', {
        type: 'button', class: `key ${button.style ? `key-${button.style}` : ''}`, data: { press: pressKey(message.message_id, button), at: `${r},${c}` },
        title: button.url ?? button.copy ?? null,
        onclick: () => press(id, message, button, r, c),
      }, h('span', {}, button.text), KEY_ICONS[button.kind] ? icon(KEY_ICONS[button.kind]) : null)))));
}

function tools(message, own, act) {
  return h('div', { class: 'tools' },
    // Reached with the arrow keys from the input field, so that Tab leads from button to button of the bot.
    iconButton('reply', t('reply'), () => act.reply(message), { tabindex: '-1' }),
    own && message.text ? iconButton('edit', t('edit'), () => act.edit(message), { tabindex: '-1' }) : null);
}
