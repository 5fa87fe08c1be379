// Small helpers for elements, dialogs, notes and the clipboard.

import { t } from './texts.js';

/** How long a note stays, in milliseconds. */
const NOTE_MS = 3500;

/** An element. `on…` are listeners, `class` and `data` as they say; children that are null or false are left out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'class') element.className = value;
    else if (name === 'data') Object.assign(element.dataset, value);
    else if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** One of the icons in index.html; `name` is never text from outside. */
export function icon(name) {
  const template = document.createElement('template');
  template.innerHTML = `<svg class="icon" aria-hidden="true"><use href="#i-${name}"></use></svg>`;
  return template.content.firstChild;
}

/** A button with only an icon. */
export const iconButton = (name, label, onclick, extra = {}) =>
  h('button', { type: 'button', class: 'icon-button', 'aria-label': label, title: label, onclick, ...extra }, icon(name));

/** A round picture of a person: initials on one of eight colours. */
export function avatar(person, extra = '') {
  const letters = [person?.first_name, person?.last_name].filter(Boolean).map((name) => [...name][0]).join('');
  return h('span', { class: `avatar tint-${(person?.id ?? 0) % 8} ${extra}`, 'aria-hidden': 'true' }, letters.toUpperCase() || '?');
}

/** A short note at the lower edge. */
export function note(text, kind = '') {
  const box = document.getElementById('notes');
  const item = h('div', { class: `note ${kind}` }, text);
  box.append(item);
  while (box.children.length > 3) box.firstChild.remove();
  setTimeout(() => item.remove(), NOTE_MS);
}

/** Tells that an action failed. */
export const failed = (error) => note(t('action_failed', { error: error.message }), 'bad');

/** A modal dialog; `build(close)` gives its content. Returns a promise of what `close` was called with. */
export function dialog(label, build, extra = '') {
  return new Promise((resolve) => {
    const before = document.activeElement;
    let answer = null;
    const close = (value) => {
      answer = value;
      box.close();
    };
    const box = h('dialog', {
      class: `dialog ${extra}`, 'aria-label': label,
      onclose: () => {
        box.remove();
        if (before?.isConnected) before.focus({ preventScroll: true });
        resolve(answer);
      },
      // A press on the backdrop is one on the dialog itself.
      onpointerdown: (event) => {
        if (event.target === box) close(null);
      },
    });
    box.append(h('div', { class: 'dialog-content' }, build(close)));
    document.body.append(box);
    box.showModal();
  });
}

/** Asks; true for yes. */
export const confirm = (text, yes, { extra = null, danger = false } = {}) =>
  dialog(text, (close) => [
    h('p', { class: 'dialog-text' }, text),
    extra,
    h('div', { class: 'dialog-actions' },
      h('button', { type: 'button', class: 'plain', onclick: () => close(false) }, t('cancel')),
      h('button', { type: 'button', class: danger ? 'filled danger' : 'filled', autofocus: true, onclick: () => close(true) }, yes)),
  ], 'small');

/** Puts a text on the clipboard, also where the modern way is forbidden. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    note(t('copied'));
    return;
  } catch {
    // Not a secure context, or not allowed: the old way below.
  }
  const area = h('textarea', { class: 'offscreen', 'aria-hidden': 'true' });
  area.value = text;
  (document.querySelector('dialog[open]') ?? document.body).append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  note(t(done ? 'copied' : 'copy_failed'), done ? '' : 'bad');
}

/** Saves bytes under a name. */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = h('a', { href: url, download: name, class: 'offscreen' });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** A menu below a button: items are `[icon, label, action, danger]`. */
export function menu(anchor, items) {
  document.querySelector('.menu')?.remove();
  anchor.setAttribute('aria-expanded', 'true');
  const close = (focus) => {
    list.remove();
    anchor.setAttribute('aria-expanded', 'false');
    document.removeEventListener('pointerdown', outside, true);
    if (focus) anchor.focus();
  };
  const outside = (event) => {
    if (!list.contains(event.target)) close(false);
  };
  const list = h('div', { class: 'menu', role: 'menu' }, items.filter(Boolean).map(([name, label, action, danger]) =>
    h('button', { type: 'button', role: 'menuitem', class: danger ? 'danger' : '', onclick: () => { close(true); action(); } }, icon(name), label)));
  list.addEventListener('keydown', (event) => {
    const buttons = [...list.children];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      buttons[(buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length].focus();
    } else if (event.key === 'Escape' || event.key === 'Tab') {
      event.stopPropagation();
      close(true);
    }
  });
  anchor.parentElement.append(list);
  document.addEventListener('pointerdown', outside, true);
  list.firstChild.focus();
}
