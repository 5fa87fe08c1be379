// Starts the page and keeps it in step with the sandbox.

import { get } from './api.js';
import { applyTheme, bar } from './bar.js';
import { column } from './column.js';
import { h, note } from './dom.js';
import { presetCards, renderPeople } from './people.js';
import { asked, emit, ensurePerson, followed, forgetChats, MAX_COLUMNS, on, prefs, refresh, savePrefs, setOpen, store, takeChat, unread } from './store.js';
import { setLanguage, t } from './texts.js';

/** A watch lasts so long, in seconds. */
const WAIT_SECONDS = 25;
/** The general state is read so often, in milliseconds. */
const STATE_MS = 2000;
/** Pauses after a failure, in milliseconds. */
const PAUSES_MS = [500, 1000, 2000, 4000];

const banner = document.getElementById('banner');
const people = document.getElementById('people');
const main = document.getElementById('columns');
const columns = new Map();
let theBar = null;
let watch = null;
let failures = 0;

const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

function chooseLanguage() {
  const wanted = prefs.lang ?? (navigator.languages ?? [navigator.language]).map((code) => code.slice(0, 2)).find((code) => ['es', 'en'].includes(code));
  setLanguage(wanted ?? 'en');
}

/** Builds everything in the language in use. */
function build() {
  document.title = t('title');
  people.setAttribute('aria-label', t('people'));
  main.setAttribute('aria-label', t('columns'));
  theBar?.stop();
  theBar = bar(changeLanguage);
  document.getElementById('bar').replaceChildren(theBar.element);
  for (const one of columns.values()) one.stop();
  columns.clear();
  renderColumns();
  renderPeople(people);
  showOnline();
}

function changeLanguage(code) {
  prefs.lang = code;
  savePrefs();
  setLanguage(code);
  build();
  document.querySelector(`.languages [lang="${code}"]`)?.focus();
}

/** The open columns, in order; the others go. */
function renderColumns() {
  for (const [id, one] of columns) {
    if (!store.open.includes(id)) {
      one.stop();
      columns.delete(id);
    }
  }
  let last = null;
  for (const id of store.open) {
    if (!columns.has(id)) columns.set(id, column(id));
    const { element } = columns.get(id);
    const place = last ? last.nextSibling : main.firstChild;
    if (place !== element) main.insertBefore(element, place);
    last = element;
    element.classList.toggle('active', id === store.active);
  }
  main.classList.toggle('several', store.open.length > 1);
  welcome();
  columns.get(store.active)?.shown();
}

function welcome() {
  const old = main.querySelector('.welcome');
  const wanted = store.state !== null && store.open.length === 0;
  if (!wanted) old?.remove();
  else if (!old) {
    main.append(h('div', { class: 'welcome' }, h('div', { class: 'welcome-box' },
      h('h2', {}, t('welcome')), h('p', {}, t('welcome_text')), h('div', { class: 'presets' }, presetCards(() => {})))));
  }
}

function showOnline() {
  banner.hidden = store.online;
  banner.textContent = store.online ? '' : t('offline');
}

function setOnline(online) {
  if (store.online === online) return;
  store.online = online;
  showOnline();
  if (online) note(t('online'));
}

let lastBot = '';
let lastIds = '';
on('state', () => {
  const bot = JSON.stringify(store.state.bot);
  if (bot !== lastBot) emit('bot');
  lastBot = bot;
  welcome();
  soon();
});
on('people', () => {
  const ids = store.people.map((one) => one.id).join();
  if (ids !== lastIds) watch?.abort();
  lastIds = ids;
  renderPeople(people);
});
on('open', () => {
  renderColumns();
  renderPeople(people);
});
on('chat', soon);
on('seen', soon);

let planned = false;
/** The list and the title, once for many changes. */
function soon() {
  if (planned) return;
  planned = true;
  queueMicrotask(() => {
    planned = false;
    renderPeople(people);
    const count = store.people.reduce((sum, one) => sum + unread(one.id), 0);
    document.title = count ? `(${count}) ${t('title')}` : t('title');
  });
}

/** One look at the followed chats; `wait` seconds for a change. */
async function look(wait) {
  const ids = followed();
  if (!ids.length) {
    await sleep(wait ? 200 : 0);
    return;
  }
  const seen = ids.map((id) => {
    const chat = store.chats.get(id);
    return chat?.loaded ? `${id}:${chat.rev}` : id;
  }).join(',');
  watch = new AbortController();
  const epoch = store.epoch === null ? '' : `&epoch=${store.epoch}`;
  const answer = await get(`/sim/watch?seen=${seen}&wait=${wait}${epoch}`, { signal: watch.signal, ms: (wait + 15) * 1000 });
  setOnline(true);
  if (store.epoch !== null && answer.epoch !== store.epoch) {
    // Another run of the sandbox, or a reset: revisions begin anew.
    store.epoch = answer.epoch;
    forgetChats();
    await refresh();
    return;
  }
  store.epoch = answer.epoch;
  for (const chat of answer.chats) takeChat(chat);
  if (answer.gone.length) await refresh();
}

async function followChats() {
  for (;;) {
    try {
      await look(WAIT_SECONDS);
      failures = 0;
    } catch (error) {
      // Ended by the page itself, because there is someone new to follow.
      if (watch?.signal.aborted) continue;
      setOnline(error.status !== 0);
      await sleep(PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)]);
      failures += 1;
    }
  }
}

async function followState() {
  for (;;) {
    await sleep(STATE_MS);
    try {
      await refresh();
      setOnline(true);
    } catch (error) {
      setOnline(error.status !== 0);
    }
  }
}

async function begin() {
  for (;;) {
    try {
      await refresh();
      for (const id of asked.people) await ensurePerson(id);
      setOnline(true);
      break;
    } catch (error) {
      if (asked.still) throw error;
      setOnline(error.status !== 0);
      await sleep(PAUSES_MS.at(-1));
    }
  }
  const there = (id) => store.people.some((one) => one.id === id);
  const wanted = (asked.people.length ? asked.people : prefs.open).filter(there).slice(0, MAX_COLUMNS);
  setOpen(wanted.length ? wanted : store.people.slice(0, 1).map((one) => one.id), asked.people[0] ?? prefs.active);
  await look(0);
  if (asked.still) {
    document.documentElement.dataset.ready = 'true';
    return;
  }
  followChats();
  followState();
}

if (asked.theme) prefs.theme = asked.theme;
if (asked.lang) prefs.lang = asked.lang;
// What the address asked for is taken over; a reload must not undo what is chosen later.
if (location.search && !asked.still) history.replaceState(null, '', location.pathname);
chooseLanguage();
applyTheme();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', applyTheme);
document.addEventListener('visibilitychange', () => emit('looked'));
build();
begin();
