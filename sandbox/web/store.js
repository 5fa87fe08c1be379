// What the page knows, and who wants to hear of changes.

import { get, post } from './api.js';

/** So many chats are followed at most; with more people the newest ones. */
const FOLLOWED = 50;
/** So many columns are open at most. */
export const MAX_COLUMNS = 6;

/** People to begin with. */
export const PRESETS = [
  { id: 1001, first_name: 'Ana', username: 'ana', language_code: 'es', label: 'user', text: 'preset_ana' },
  { id: 1002, first_name: 'Luis', username: 'luis', language_code: 'es', label: 'second user', text: 'preset_luis' },
  { id: 1000, first_name: 'Admin', username: 'admin', language_code: 'es', label: 'admin', text: 'preset_admin' },
  { id: 1003, first_name: 'Emma', username: 'emma', language_code: 'en', label: 'user', text: 'preset_emma' },
];

/** Asked for in the address: people, theme, lang, still. */
const query = new URLSearchParams(location.search);
export const asked = {
  people: (query.get('people') ?? query.get('person') ?? '').split(',').map(Number).filter((id) => Number.isSafeInteger(id) && id > 0),
  theme: query.get('theme'),
  lang: query.get('lang'),
  still: query.has('still') && query.get('still') !== '0',
};

const listeners = new Map();

/** Calls `listener` at each event of this name. */
export function on(name, listener) {
  if (!listeners.has(name)) listeners.set(name, new Set());
  listeners.get(name).add(listener);
  return () => listeners.get(name).delete(listener);
}

/** Tells all who listen. */
export function emit(name, ...values) {
  for (const listener of [...(listeners.get(name) ?? [])]) listener(...values);
}

export const store = {
  /** `/sim/state`, null before the first answer. */
  state: null,
  people: [],
  chats: new Map(),
  /** Ids of the open columns, and the one in use. */
  open: [],
  active: null,
  epoch: null,
  online: true,
  /** The clock's time minus this machine's, in milliseconds. */
  clockAhead: 0,
};

const KEY = 'usipipo-web-chat';
export const prefs = load();

function load() {
  try {
    return { seen: {}, open: [], ...JSON.parse(localStorage.getItem(KEY) ?? '{}') };
  } catch {
    return { seen: {}, open: [] };
  }
}

/** Keeps the preferences; a browser that forbids it forgets them. */
export function savePrefs() {
  if (asked.still) return;
  try {
    localStorage.setItem(KEY, JSON.stringify(prefs));
  } catch {
    // Private windows and full disks: the page works without.
  }
}

/** Now on the program's clock, in seconds. */
export const now = () => (Date.now() + store.clockAhead) / 1000;

export const person = (id) => store.people.find((one) => one.id === id);

/** The whole name. */
export const nameOf = (one) => [one?.first_name, one?.last_name].filter(Boolean).join(' ') || '?';

/** The chat of a person, made when it is not there. */
export function chatOf(id) {
  if (!store.chats.has(id)) store.chats.set(id, emptyChat(id));
  return store.chats.get(id);
}

function emptyChat(id) {
  return { id, rev: 0, loaded: false, messages: new Map(), typing: null, keyboard: null, person: {}, waiting: new Set(), pressed: new Map(), paying: null };
}

/** The person's messages from the bot that were not seen. */
export function unread(id) {
  const seen = prefs.seen[id] ?? 0;
  let count = 0;
  for (const message of store.chats.get(id)?.messages.values() ?? []) {
    if (message.from === 'bot' && message.message_id > seen) count += 1;
  }
  return count;
}

/** Everything in this chat was seen. */
export function markSeen(id) {
  const last = [...(store.chats.get(id)?.messages.keys() ?? [])].at(-1) ?? 0;
  if ((prefs.seen[id] ?? 0) === last) return;
  prefs.seen[id] = last;
  savePrefs();
  emit('seen', id);
}

/** The newest message of a chat. */
export function lastMessage(id) {
  return [...(store.chats.get(id)?.messages.values() ?? [])].at(-1);
}

/** Forgets all chats, as after a reset of the sandbox. */
export function forgetChats() {
  for (const chat of store.chats.values()) {
    Object.assign(chat, emptyChat(chat.id));
    emit('chat', chat.id, null);
  }
}

/** Takes in what the sandbox says of a chat. */
export function takeChat(view) {
  const chat = chatOf(view.person.id);
  const first = !chat.loaded || view.rev < chat.rev;
  if (first) chat.messages.clear();
  const before = chat.rev;
  const changed = [];
  for (const message of view.messages) {
    if (message.deleted) chat.messages.delete(message.message_id);
    else chat.messages.set(message.message_id, message);
    changed.push(message.message_id);
  }
  Object.assign(chat, {
    rev: view.rev, loaded: true, typing: view.typing, keyboard: view.reply_keyboard,
    person: view.person, waiting: new Set(view.waiting),
  });
  const last = [...chat.messages.keys()].at(-1) ?? 0;
  if (first && (prefs.seen[chat.id] ?? 0) > last) prefs.seen[chat.id] = 0;
  settlePresses(chat);
  emit('chat', chat.id, first ? null : changed);
  if (!first) {
    for (const toast of view.toasts.filter((one) => one.rev > before)) emit('toast', chat.id, toast);
  }
}

/** Ends the presses that the bot has answered. */
export function settlePresses(chat) {
  for (const [key, press] of chat.pressed) {
    // A view of the same revision may be older than the press.
    if (press.query && chat.rev > press.rev && !chat.waiting.has(press.query)) chat.pressed.delete(key);
  }
}

/** Reads `/sim/state`. */
export async function refresh() {
  const state = await get('/sim/state', { ms: 10_000 });
  store.state = state;
  store.clockAhead = state.clock.now * 1000 - Date.now();
  const text = JSON.stringify(state.people.map(({ rev, ...rest }) => rest));
  const same = text === store.peopleText;
  store.peopleText = text;
  store.people = state.people;
  const there = new Set(store.people.map((one) => one.id));
  for (const id of store.chats.keys()) if (!there.has(id)) store.chats.delete(id);
  const open = store.open.filter((id) => there.has(id));
  if (open.length !== store.open.length) setOpen(open);
  if (!same) emit('people');
  emit('state');
}

/** Ids of the chats to follow: the open ones, then the newest. */
export function followed() {
  const rest = store.people.filter((one) => !store.open.includes(one.id)).sort((a, b) => b.rev - a.rev).map((one) => one.id);
  return [...store.open, ...rest].slice(0, FOLLOWED);
}

/** Opens exactly these columns. */
export function setOpen(ids, active = store.active) {
  store.open = ids.slice(0, MAX_COLUMNS);
  store.active = store.open.includes(active) ? active : (store.open[0] ?? null);
  prefs.open = store.open;
  prefs.active = store.active;
  savePrefs();
  emit('open');
}

/** Shows a person: the column there is, or in place of the one in use. */
export function show(id) {
  if (store.open.includes(id)) setOpen(store.open, id);
  else if (store.open.length === 0) setOpen([id], id);
  else setOpen(store.open.map((one) => (one === store.active ? id : one)), id);
}

/** Opens one more column. */
export function beside(id) {
  const others = store.open.filter((one) => one !== id).slice(-(MAX_COLUMNS - 1));
  setOpen([...others, id], id);
}

export function closeColumn(id) {
  setOpen(store.open.filter((one) => one !== id));
}

/** Adds or changes a person and shows them; `value` as the control API takes it. */
export async function putPerson(value) {
  const one = await post('/sim/people', value);
  await refresh();
  return one.id;
}

/** Makes sure that this person exists. */
export async function ensurePerson(id) {
  if (person(id)) return;
  const { text: _, ...preset } = PRESETS.find((one) => one.id === id) ?? { id, first_name: `Persona ${id}` };
  await putPerson(preset);
}
