// What a person does: sending, pressing, paying, opening.

import { file, fileUrl, post } from './api.js';
import { confirm, copy, dialog, failed, h, note, save } from './dom.js';
import { pressKey } from './message.js';
import { chatOf, emit, refresh, settlePresses, store } from './store.js';
import { sizeOf, t } from './texts.js';

/** A press that the bot leaves unanswered spins this long, in milliseconds, unless the sandbox says otherwise. */
const PRESS_MS = 15_000;
/** The bot has this long to agree to a payment, in milliseconds. */
const PAY_MS = 11_000;
/** Largest file that the Bot API takes, in bytes. */
const MAX_FILE_BYTES = 50 * 1024 * 1024;
/** Largest file that is shown as text, in bytes. */
const MAX_PREVIEW_BYTES = 256 * 1024;

/** Does something and tells when it fails; true when it went well. */
async function attempt(work) {
  try {
    await work();
    return true;
  } catch (error) {
    failed(error);
    return false;
  }
}

/** Sends a text. */
export function sendText(id, text, replyTo = null) {
  emit('acting', id);
  return attempt(() => post(`/sim/people/${id}/send`, replyTo ? { text, reply_to: replyTo } : { text }));
}

/** Changes an own message. */
export const editText = (id, messageId, text) => attempt(() => post(`/sim/people/${id}/edited_message`, { message_id: messageId, text }));

/** Sends a file, pictures as pictures. */
export async function sendFile(id, chosen, caption = '') {
  if (chosen.size > MAX_FILE_BYTES) {
    note(t('too_large'), 'bad');
    return false;
  }
  emit('acting', id);
  const base64 = await new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).split(',', 2)[1] ?? '');
    reader.readAsDataURL(chosen);
  });
  const photo = ['image/png', 'image/jpeg'].includes(chosen.type);
  return attempt(() => photo
    ? post(`/sim/people/${id}/send_photo`, { base64, caption })
    : post(`/sim/people/${id}/send_document`, { base64, caption, file_name: chosen.name, mime: chosen.type || 'application/octet-stream' }));
}

/** Sends something of a fixed kind: location, contact, sticker. */
export function sendOther(id, kind) {
  const body = { location: { latitude: 23.1136, longitude: -82.3666 }, contact: { phone_number: '+15550100' }, sticker: { emoji: '👍' } }[kind];
  emit('acting', id);
  return attempt(() => post(`/sim/people/${id}/${kind}`, body));
}

/** Blocks the bot, or unblocks it and starts anew, as Telegram's button does. */
export async function setBlocked(id, blocked) {
  await attempt(async () => {
    await post(`/sim/people/${id}/block`, { blocked });
    if (!blocked) await post(`/sim/people/${id}/send`, { text: '/start' });
  });
  refresh().catch(failed);
}

export async function setDeactivated(id, deactivated) {
  await attempt(() => post(`/sim/people/${id}/deactivate`, { deactivated }));
  refresh().catch(failed);
}

/** Presses an inline button. */
export async function press(id, message, button) {
  if (button.kind === 'url' || button.kind === 'web_app') return openLink(id, button.url);
  if (button.kind === 'copy') return copy(button.copy);
  if (button.kind === 'pay') return pay(id, message);
  if (button.kind !== 'callback') return note(t('not_simulated'), 'bad');
  const chat = chatOf(id);
  const key = pressKey(message.message_id, button);
  if (chat.pressed.has(key)) return undefined;
  const mark = { query: null, rev: 0 };
  chat.pressed.set(key, mark);
  emit('pressed', id);
  try {
    const answer = await post(`/sim/people/${id}/press`, { message_id: message.message_id, data: button.data });
    Object.assign(mark, { query: answer.callback_query_id, rev: answer.rev });
    settlePresses(chat);
    setTimeout(() => {
      if (chat.pressed.get(key) !== mark) return;
      chat.pressed.delete(key);
      emit('pressed', id);
      note(t('no_answer'), 'bad');
    }, (store.state?.limits.callback_seconds ?? 0) * 1000 || PRESS_MS);
  } catch (error) {
    chat.pressed.delete(key);
    if (error.status === 409) note(t('gone_button'), 'bad');
    else failed(error);
  }
  emit('pressed', id);
  return undefined;
}

async function pay(id, message) {
  const amount = `⭐ ${message.invoice?.total_amount ?? ''}`;
  const yes = await confirm(t('pay_ask', { amount, title: message.invoice?.title ?? '' }), t('pay', { amount }), { extra: h('p', { class: 'hint' }, t('pay_note')) });
  if (!yes) return;
  const chat = chatOf(id);
  const mark = { since: Math.max(0, ...chat.messages.keys()) };
  chat.paying = mark;
  if (!(await attempt(() => post(`/sim/people/${id}/pay`, { message_id: message.message_id })))) return;
  setTimeout(() => {
    const paid = [...chat.messages.values()].some((one) => one.message_id > mark.since && one.payment);
    // A refusal comes as an alert, which takes the mark away.
    if (!paid && chat.paying === mark) note(t('no_payment'), 'bad');
  }, PAY_MS);
}

/** What a link to this very bot starts with, as `/start CODE`; null for any other link. */
function startOf(url) {
  const username = store.state?.bot.username?.toLowerCase();
  const found = /^(?:https?:\/\/)?(?:t|telegram)\.me\/(\w+)\?start=([\w-]*)$/i.exec(url) ?? /^tg:\/\/resolve\?domain=(\w+)&start=([\w-]*)$/i.exec(url);
  return found && found[1].toLowerCase() === username ? `/start ${found[2]}`.trim() : null;
}

/** Asks before a link is opened; the page itself never leaves. A link to the bot is followed in this chat. */
export async function openLink(id, url) {
  const go = await dialog(t('open_link'), (close) => [
    h('p', { class: 'dialog-text' }, t('open_link')),
    h('p', { class: 'link-text' }, url),
    h('div', { class: 'dialog-actions' },
      h('button', { type: 'button', class: 'plain', onclick: () => copy(url) }, t('copy')),
      h('button', { type: 'button', class: 'plain', onclick: () => close(false) }, t('cancel')),
      h('button', { type: 'button', class: 'filled', autofocus: true, onclick: () => close(true) }, t('open'))),
  ], 'small');
  if (!go) return;
  const start = startOf(url);
  if (start) await sendText(id, start);
  else window.open(/^[a-z][a-z0-9+.-]*:/i.test(url) ? url : `http://${url}`, '_blank', 'noopener,noreferrer');
}

/** A picture at its full size. */
export function openPhoto(photo) {
  return dialog(t('photo'), (close) => [
    h('img', { class: 'large-photo', src: fileUrl(photo.file_id), alt: t('photo') }),
    h('div', { class: 'dialog-actions' },
      h('button', { type: 'button', class: 'plain', onclick: () => download(photo.file_id, 'photo.png') }, t('download')),
      h('button', { type: 'button', class: 'filled', autofocus: true, onclick: () => close() }, t('close'))),
  ], 'picture');
}

const download = (id, name) => attempt(async () => save(await file(id), name));

const isText = (document) =>
  document.size <= MAX_PREVIEW_BYTES && (/^text\/|json|xml|toml|yaml/.test(document.mime) || /\.(conf|txt|log|csv|json|ya?ml|toml|ini|md|svg)$/i.test(document.file_name));

/** Shows a document that is text; saves any other. */
export async function openDocument(document) {
  if (!isText(document)) return download(document.file_id, document.file_name);
  let blob;
  if (!(await attempt(async () => { blob = await file(document.file_id); }))) return undefined;
  const text = await blob.text();
  return dialog(document.file_name, (close) => [
    h('header', { class: 'dialog-head' }, h('b', {}, document.file_name), h('small', {}, sizeOf(document.size))),
    h('pre', { class: 'file-text', tabindex: '0' }, text.split('\n').map(line)),
    h('div', { class: 'dialog-actions' },
      h('button', { type: 'button', class: 'plain', onclick: () => copy(text) }, t('copy')),
      h('button', { type: 'button', class: 'plain', onclick: () => save(blob, document.file_name) }, t('download')),
      h('button', { type: 'button', class: 'filled', autofocus: true, onclick: () => close() }, t('close'))),
  ], 'file');
}

/** A line of a configuration file, with its parts told apart. */
function line(text) {
  if (/^\s*\[.*\]\s*$/.test(text)) return h('span', { class: 'section' }, `${text}\n`);
  if (/^\s*[#;]/.test(text)) return h('span', { class: 'remark' }, `${text}\n`);
  const pair = /^(\s*[\w.-]+\s*)(=)(.*)$/.exec(text);
  if (!pair) return `${text}\n`;
  return [h('span', { class: 'name' }, pair[1]), pair[2], h('span', { class: 'value' }, pair[3]), '\n'];
}

/** Moves the program's clock ahead. */
export async function advance(seconds, label) {
  try {
    await post('/sim/clock', { advance_seconds: seconds });
    note(t('moved', { time: label }));
  } catch (error) {
    failed(error);
  }
  await refresh().catch(() => {});
}

