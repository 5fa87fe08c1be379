// The lower part of a column: input field, commands, the bot's keyboard, or the button that starts the chat.

import { get } from './api.js';
import { editText, sendFile, sendText, setBlocked, setDeactivated } from './actions.js';
import { failed, h, icon, iconButton } from './dom.js';
import { summary } from './message.js';
import { chatOf, nameOf, on, person, store } from './store.js';
import { t } from './texts.js';

/** The field grows to this height, in CSS pixels. */
const FIELD_HEIGHT = 140;

/** Makes the composer of a column; returns its element and what others ask of it. */
export function composer(id) {
  const state = { replyTo: null, editing: null, commands: [], shown: [], picked: -1, keyboardOpen: true, keyboardText: '' };
  const name = () => nameOf(person(id));

  const field = h('textarea', { rows: 1, placeholder: t('write'), 'aria-label': t('write_label', { name: name() }), autocomplete: 'off', enterkeyhint: 'send',
    role: 'combobox', 'aria-autocomplete': 'list', 'aria-expanded': 'false', 'aria-controls': `commands-${id}`, maxlength: 20_000 });
  const list = h('ul', { id: `commands-${id}`, class: 'commands', role: 'listbox', 'aria-label': t('commands'), hidden: true });
  const context = h('div', { class: 'context', hidden: true });
  const chosen = h('input', { type: 'file', hidden: true, onchange: () => attach(chosen.files) });
  const menuButton = h('button', { type: 'button', class: 'menu-button', 'aria-label': t('commands'), onclick: toggleAll }, icon('menu'), h('span', {}, t('menu')));
  const keyboardButton = iconButton('keyboard', t('keyboard'), () => { state.keyboardOpen = !state.keyboardOpen; update(); });
  const attachButton = iconButton('clip', t('attach'), () => chosen.click());
  const sendButton = iconButton('send', t('send'), submit, { class: 'icon-button send' });
  const keyboard = h('div', { class: 'reply-keyboard' });
  const row = h('div', { class: 'composer-row' }, menuButton, field, keyboardButton, attachButton, sendButton, chosen);
  const big = h('button', { type: 'button', class: 'big-button' });
  const element = h('div', { class: 'composer' }, list, context, row, keyboard, big);

  field.addEventListener('input', () => { grow(); suggest(); update(); });
  field.addEventListener('focus', () => loadCommands());
  field.addEventListener('blur', () => setTimeout(() => { if (!element.contains(document.activeElement)) close(); }, 150));
  field.addEventListener('keydown', keydown);
  field.addEventListener('paste', (event) => {
    if (event.clipboardData.files.length) {
      event.preventDefault();
      attach(event.clipboardData.files);
    }
  });

  function grow() {
    field.style.height = 'auto';
    field.style.height = `${Math.min(field.scrollHeight, FIELD_HEIGHT)}px`;
  }

  async function loadCommands() {
    try {
      state.commands = (await get(`/sim/people/${id}/commands`)).commands;
    } catch (error) {
      if (error.status !== 0) failed(error);
    }
  }

  async function toggleAll() {
    if (!list.hidden) return close();
    await loadCommands();
    showCommands(state.commands);
    field.focus();
    return undefined;
  }

  function suggest() {
    const typed = /^\/(\w*)$/.exec(field.value);
    if (!typed) return close();
    return showCommands(state.commands.filter((one) => one.command.startsWith(typed[1].toLowerCase())), typed[1] === '');
  }

  function showCommands(commands, all = true) {
    state.shown = commands;
    state.picked = -1;
    if (!commands.length && !all) return close();
    list.replaceChildren(...(commands.length
      ? commands.map((one, index) => h('li', { role: 'option', id: `command-${id}-${index}`, 'aria-selected': 'false', onpointerdown: (event) => event.preventDefault(), onclick: () => run(one) },
        h('b', {}, `/${one.command}`), h('span', {}, one.description)))
      : [h('li', { class: 'none' }, t('no_commands'))]));
    list.hidden = false;
    field.setAttribute('aria-expanded', 'true');
    return undefined;
  }

  function close() {
    list.hidden = true;
    state.picked = -1;
    field.setAttribute('aria-expanded', 'false');
    field.removeAttribute('aria-activedescendant');
  }

  function pick(step) {
    const count = state.shown.length;
    if (!count) return;
    state.picked = state.picked < 0 ? (step > 0 ? 0 : count - 1) : (state.picked + step + count) % count;
    [...list.children].forEach((item, index) => item.setAttribute('aria-selected', String(index === state.picked)));
    list.children[state.picked].scrollIntoView({ block: 'nearest' });
    field.setAttribute('aria-activedescendant', `command-${id}-${state.picked}`);
  }

  function run(command) {
    close();
    field.value = '';
    grow();
    update();
    sendText(id, `/${command.command}`);
  }

  /** Chooses the message to answer, one up or down from the one chosen. */
  function replyTo(step) {
    const all = [...chatOf(id).messages.values()].filter((one) => !one.payment && !one.refund);
    const at = state.replyTo ? all.findIndex((one) => one.message_id === state.replyTo.message_id) + step : all.length - 1;
    setContext(all[at] ?? null, null);
  }

  function keydown(event) {
    const open = !list.hidden;
    if (open && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
      event.preventDefault();
      pick(event.key === 'ArrowDown' ? 1 : -1);
    } else if (open && event.key === 'Tab' && state.shown.length) {
      event.preventDefault();
      field.value = `/${state.shown[Math.max(state.picked, 0)].command} `;
      close();
    } else if (event.key === 'Escape') {
      if (open) close();
      else setContext(null, null);
    } else if ((event.ctrlKey || event.altKey) && ['ArrowUp', 'ArrowDown'].includes(event.key)) {
      event.preventDefault();
      replyTo(event.key === 'ArrowUp' ? -1 : 1);
    } else if (event.key === 'ArrowUp' && field.value === '') {
      const own = [...chatOf(id).messages.values()].filter((one) => one.from === 'person' && one.text).at(-1);
      if (own) {
        event.preventDefault();
        setContext(null, own);
      }
    } else if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      if (open && state.picked >= 0) run(state.shown[state.picked]);
      else submit();
    }
  }

  async function submit() {
    const text = field.value.trim();
    if (!text) return;
    const { replyTo, editing } = state;
    field.value = '';
    setContext(null, null);
    close();
    const done = editing ? await editText(id, editing.message_id, text) : await sendText(id, text, replyTo?.message_id);
    // What could not be sent is not lost.
    if (!done && field.value === '') field.value = text;
    grow();
    update();
  }

  async function attach(files) {
    for (const one of [...files]) await sendFile(id, one, field.value.trim());
    chosen.value = '';
    field.value = '';
    grow();
    update();
  }

  /** Answers a message, or changes an own one, or neither. */
  function setContext(replyTo, editing) {
    if (state.editing && !editing) field.value = '';
    Object.assign(state, { replyTo, editing });
    const message = replyTo ?? editing;
    context.hidden = !message;
    if (message) {
      const who = message.from === 'person' ? name() : store.state?.bot.first_name;
      context.replaceChildren(icon(editing ? 'edit' : 'reply'),
        h('span', { class: 'context-text' }, h('b', {}, editing ? t('editing') : t('reply_to', { name: who ?? '' })), h('span', {}, summary(message))),
        iconButton('close', t('cancel_reply'), () => { setContext(null, null); field.focus(); }));
      if (editing) field.value = message.text;
      field.focus();
    }
    grow();
    update();
  }

  function update() {
    const chat = chatOf(id);
    const { blocked, deactivated, opened } = chat.person;
    const start = chat.loaded && !opened && chat.messages.size === 0;
    const stopped = blocked || deactivated || start;
    row.hidden = Boolean(stopped);
    context.hidden = Boolean(stopped) || !(state.replyTo ?? state.editing);
    big.hidden = !stopped;
    if (stopped) {
      big.replaceChildren(deactivated ? t('reactivate') : blocked ? t('unblock') : t('start'));
      big.onclick = () => (deactivated ? setDeactivated(id, false) : blocked ? setBlocked(id, false) : sendText(id, '/start'));
    }
    const typed = field.value.trim() !== '';
    sendButton.hidden = !typed;
    attachButton.hidden = typed;
    element.classList.toggle('typed', typed);
    const rows = stopped ? null : chat.keyboard;
    keyboardButton.hidden = !rows;
    keyboard.hidden = !rows || !state.keyboardOpen;
    const text = JSON.stringify(rows);
    if (rows && text !== state.keyboardText) {
      state.keyboardOpen = true;
      keyboard.hidden = false;
      keyboard.replaceChildren(...rows.map((labels) => h('div', { class: 'reply-row' }, labels.map((label) => h('button', { type: 'button', onclick: () => sendText(id, label) }, label)))));
    }
    state.keyboardText = text;
  }

  const stops = [on('chat', (changed) => { if (changed === id) update(); })];
  update();
  return {
    element,
    focus: () => (row.hidden ? big.focus() : field.focus()),
    reply: (message) => setContext(message, null),
    edit: (message) => setContext(null, message),
    attach,
    stop: () => stops.forEach((stop) => stop()),
  };
}
