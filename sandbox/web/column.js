// One person's chat: head, messages, composer.

import { composer } from './composer.js';
import { openLink, sendOther, setBlocked, setDeactivated } from './actions.js';
import { avatar, confirm, failed, h, icon, iconButton, menu } from './dom.js';
import { remove } from './api.js';
import { messageElement } from './message.js';
import { labelOf, personForm } from './people.js';
import { chatOf, closeColumn, emit, markSeen, nameOf, now, on, person, refresh, setOpen, store, unread } from './store.js';
import { dayOf, t } from './texts.js';

/** So near to the end counts as at the end, in CSS pixels. */
const NEAR = 80;
/** Messages of one side within this time hang together, in seconds. */
const TOGETHER_SECONDS = 600;
/** "typing…" never lasts longer, in milliseconds. */
const TYPING_MS = 6000;

/** Makes a column; `stop()` ends it. */
export function column(id) {
  const elements = new Map();
  let follow = true;
  let typingTimer = null;

  const picture = h('span', { class: 'column-picture' });
  const title = h('div', { class: 'column-title' });
  const more = iconButton('more', t('more'), openMenu, { 'aria-haspopup': 'menu', 'aria-expanded': 'false' });
  const closeButton = iconButton('close', t('close_column'), () => closeColumn(id), { class: 'icon-button close-column' });
  const head = h('header', { class: 'column-head' }, picture, title, h('div', { class: 'column-tools' }, more, closeButton));
  const list = h('ol', { class: 'messages', 'aria-label': t('messages') });
  const empty = h('div', { class: 'empty', hidden: true });
  const scroller = h('div', { class: 'scroller', role: 'log', 'aria-live': 'polite', 'aria-label': t('messages'), tabindex: '-1' }, empty, list);
  const jumpCount = h('span', { class: 'badge', hidden: true });
  const jump = h('button', { type: 'button', class: 'to-bottom', 'aria-label': t('to_bottom'), title: t('to_bottom'), hidden: true, onclick: () => toBottom(true) }, icon('down'), jumpCount);
  const alertBox = h('div', { class: 'alert-box', hidden: true });
  const typing = h('li', { class: 'message bot typing', hidden: true }, h('div', { class: 'stack' }, h('div', { class: 'bubble' }, h('i'), h('i'), h('i'))));
  const lower = composer(id);
  const element = h('section', { class: 'column', 'aria-label': t('chat_of', { name: nameOf(person(id)) }), data: { person: id } },
    head, h('div', { class: 'wall' }, scroller, jump), lower.element, alertBox);
  list.append(typing);

  const act = { reply: lower.reply, edit: lower.edit, jump: jumpTo };
  element.addEventListener('focusin', activate);
  element.addEventListener('pointerdown', activate);
  scroller.addEventListener('scroll', scrolled, { passive: true });
  element.addEventListener('dragover', (event) => event.preventDefault());
  element.addEventListener('drop', (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length) lower.attach(event.dataTransfer.files);
  });
  // Pictures and the keyboard of a phone change the height; the end stays in view.
  const watcher = new ResizeObserver(() => { if (follow) toBottom(false); });
  watcher.observe(scroller);
  watcher.observe(list);

  function activate() {
    if (store.active !== id) setOpen(store.open, id);
  }

  const visible = () => element.offsetParent !== null && document.visibilityState === 'visible';

  function toBottom(smooth) {
    follow = true;
    scroller.scrollTo({ top: scroller.scrollHeight, behavior: smooth ? 'smooth' : 'instant' });
    seen();
  }

  function scrolled() {
    follow = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR;
    seen();
  }

  function seen() {
    if (follow && visible() && chatOf(id).loaded) markSeen(id);
    const count = follow ? 0 : unread(id);
    jump.hidden = follow;
    jumpCount.hidden = count === 0;
    jumpCount.textContent = count;
  }

  function jumpTo(messageId) {
    const target = elements.get(messageId);
    if (!target) return;
    target.scrollIntoView({ block: 'center', behavior: 'smooth' });
    target.classList.remove('pointed');
    requestAnimationFrame(() => target.classList.add('pointed'));
  }

  function renderHead() {
    const one = person(id);
    const { blocked, deactivated } = chatOf(id).person;
    const action = typing.hidden ? null : chatOf(id).typing?.action;
    const bot = store.state?.bot.first_name ?? '';
    const about = blocked ? t('blocked', { name: one?.first_name ?? '' })
      : deactivated ? t('deactivated')
        : action ? `${bot} ${action === 'typing' ? t('typing') : t('uploading')}`
          : [one?.username ? `@${one.username}` : null, id, one?.language_code?.toUpperCase()].filter(Boolean).join(' · ');
    closeButton.hidden = store.open.length < 2;
    const words = JSON.stringify([one, about]);
    if (head.dataset.words === words) return;
    head.dataset.words = words;
    picture.replaceChildren(avatar(one));
    title.replaceChildren(
      h('h2', {}, nameOf(one), ' ', h('span', { class: `label label-${(one?.label ?? 'user').replace(/\W+/g, '-')}` }, labelOf(one))),
      h('p', { class: action ? 'is-typing' : '' }, about));
  }

  function openMenu() {
    const { blocked, deactivated } = chatOf(id).person;
    menu(more, [
      ['edit', t('edit_person'), () => personForm(person(id))],
      ['pin', t('send_location'), () => sendOther(id, 'location')],
      ['person', t('send_contact'), () => sendOther(id, 'contact')],
      ['smile', t('send_sticker'), () => sendOther(id, 'sticker')],
      blocked ? ['unlock', t('unblock'), () => setBlocked(id, false)] : ['block', t('block'), () => setBlocked(id, true)],
      deactivated ? ['person', t('reactivate'), () => setDeactivated(id, false)] : ['ghost', t('deactivate'), () => setDeactivated(id, true)],
      ['trash', t('remove_person'), removePerson, true],
    ]);
  }

  async function removePerson() {
    if (!(await confirm(t('remove_person_ask', { name: nameOf(person(id)) }), t('remove'), { danger: true }))) return;
    await remove(`/sim/people/${id}`).catch(failed);
    await refresh().catch(failed);
  }

  function render(changed) {
    const chat = chatOf(id);
    if (changed === null) {
      for (const one of elements.values()) one.remove();
      elements.clear();
    }
    const ids = changed ?? [...chat.messages.keys()];
    const stay = follow;
    for (const messageId of ids) place(messageId, chat, changed !== null);
    for (const [messageId, one] of elements) {
      if (!chat.messages.has(messageId)) {
        one.remove();
        elements.delete(messageId);
      }
    }
    arrange(chat);
    showTyping(chat);
    showEmpty(chat);
    busy();
    renderHead();
    if (stay) toBottom(false);
    else seen();
  }

  function place(messageId, chat, live) {
    const message = chat.messages.get(messageId);
    const old = elements.get(messageId);
    if (!message) return;
    const fresh = messageElement(id, message, act);
    elements.set(messageId, fresh);
    if (old) {
      const focused = old.contains(document.activeElement) ? document.activeElement : null;
      old.replaceWith(fresh);
      if (live) fresh.classList.add('changed');
      if (focused) keepFocus(fresh, focused);
      return;
    }
    if (live) fresh.classList.add('arrived');
    const next = [...elements.keys()].filter((other) => other > messageId).sort((a, b) => a - b)[0];
    list.insertBefore(fresh, next === undefined ? typing : elements.get(next));
  }

  /** An edit must not throw somebody who uses the keyboard out of the message. */
  function keepFocus(fresh, focused) {
    const same = focused.dataset.at ? fresh.querySelector(`[data-at="${focused.dataset.at}"]`) : null;
    const target = same ?? fresh.querySelector('.key');
    if (target) target.focus({ preventScroll: true });
    else lower.focus();
  }

  /** Days between the messages, and which of them hang together. */
  function arrange(chat) {
    for (const day of list.querySelectorAll('.day')) day.remove();
    let before = null;
    let lastDay = null;
    for (const message of chat.messages.values()) {
      const one = elements.get(message.message_id);
      if (!one) continue;
      const day = dayOf(message.date, now());
      const newDay = day !== lastDay;
      if (newDay) list.insertBefore(h('li', { class: 'day' }, h('span', {}, day)), one);
      lastDay = day;
      const together = !newDay && before && before.from === message.from && message.date - before.date < TOGETHER_SECONDS && !before.payment && !before.refund;
      one.classList.toggle('first', !together);
      one.classList.add('last');
      if (together) elements.get(before.message_id)?.classList.remove('last');
      before = message;
    }
  }

  function showTyping(chat) {
    clearTimeout(typingTimer);
    const left = chat.typing ? Math.min(chat.typing.until_ms - Date.now(), TYPING_MS) : 0;
    typing.hidden = left <= 0;
    if (left > 0) {
      typingTimer = setTimeout(() => {
        typing.hidden = true;
        renderHead();
        emit('seen', id);
      }, left);
    }
  }

  function showEmpty(chat) {
    empty.hidden = !chat.loaded || chat.messages.size > 0;
    if (empty.hidden) return;
    const bot = store.state?.bot;
    const code = person(id)?.language_code ?? '';
    const description = bot?.description?.[code] ?? bot?.description?.[''] ?? t('no_description');
    empty.replaceChildren(h('span', { class: 'bot-mark' }, icon('brand')), h('b', {}, bot?.first_name ?? ''),
      h('div', { class: 'description' }, h('b', {}, t('what_can')), h('p', {}, description)));
  }

  /** Marks the buttons that wait for an answer. */
  function busy() {
    const { pressed } = chatOf(id);
    for (const key of list.querySelectorAll('.key')) {
      const waits = pressed.has(key.dataset.press);
      key.classList.toggle('busy', waits);
      key.setAttribute('aria-busy', String(waits));
    }
  }

  function showAlert(text) {
    const before = document.activeElement;
    const close = () => {
      alertBox.hidden = true;
      if (element.contains(before) && before.isConnected) before.focus({ preventScroll: true });
    };
    const button = h('button', { type: 'button', class: 'filled', onclick: close }, t('ok'));
    alertBox.replaceChildren(h('div', { class: 'alert', role: 'alertdialog', 'aria-label': store.state?.bot.first_name ?? '' },
      h('b', {}, store.state?.bot.first_name ?? ''), h('p', {}, text), button));
    alertBox.hidden = false;
    alertBox.onkeydown = (event) => { if (event.key === 'Escape') close(); };
    if (store.active === id) button.focus();
  }

  function showToast(text) {
    const item = h('div', { class: 'toast', role: 'status' }, text);
    element.querySelector('.wall').append(item);
    setTimeout(() => item.remove(), 4000);
  }

  const stops = [
    on('chat', (changed, ids) => { if (changed === id) render(ids); }),
    on('pressed', (changed) => { if (changed === id) busy(); }),
    on('acting', (changed) => { if (changed === id) follow = true; }),
    // A phone's keyboard would cover the chat, so only where there is a mouse.
    on('focus', (wanted) => { if (wanted === id && matchMedia('(hover: hover)').matches) lower.focus(); }),
    on('people', renderHead),
    on('open', renderHead),
    on('bot', () => { showEmpty(chatOf(id)); renderHead(); }),
    on('looked', () => seen()),
    on('toast', (changed, toast) => {
      if (changed !== id) return;
      chatOf(id).paying = toast.alert ? null : chatOf(id).paying;
      if (toast.alert) showAlert(toast.text);
      else if (toast.text) showToast(toast.text);
      if (toast.url) openLink(id, toast.url);
    }),
  ];
  renderHead();
  render(null);
  return {
    element,
    focus: lower.focus,
    shown: () => { if (follow) toBottom(false); },
    stop: () => {
      clearTimeout(typingTimer);
      watcher.disconnect();
      lower.stop();
      stops.forEach((stop) => stop());
      element.remove();
    },
  };
}
