// The bar above: is the bot there, the program's clock, language and theme.

import { advance } from './actions.js';
import { h, icon, iconButton } from './dom.js';
import { now, on, prefs, savePrefs, store } from './store.js';
import { clockOf, lang, span, t } from './texts.js';

const HOUR = 3600;
const STEPS = [[HOUR, 'hour'], [24 * HOUR, 'day'], [7 * 24 * HOUR, 'week']];

/** Light or dark, as chosen or as the system says. */
export const isDark = () => (prefs.theme ? prefs.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches);

/** Puts the chosen theme on the page. */
export function applyTheme() {
  document.documentElement.dataset.theme = prefs.theme ?? 'auto';
  document.querySelector('meta[name="theme-color"]').content = isDark() ? '#17212b' : '#ffffff';
}

function statusOf(state) {
  const { url, last_error_message: error } = state.webhook;
  if (url) return error ? ['failing', 'bad', { error }] : ['webhook', 'good', { url }];
  return state.program.attached ? ['polling', 'good', {}] : ['away', 'bad', {}];
}

/** Builds the bar; `changeLanguage(code)` renders the page anew. */
export function bar(changeLanguage) {
  const status = h('div', { class: 'status', role: 'status' });
  const day = h('span', { class: 'clock-day' });
  const time = h('b', { class: 'clock-time' });
  const ahead = h('span', { class: 'ahead', hidden: true });
  const toggle = h('button', { type: 'button', class: 'clock-face', 'aria-expanded': 'false', 'aria-label': t('clock'), title: t('clock'), onclick: () => open(!group.classList.contains('open')) },
    icon('clock'), h('span', { class: 'clock-words' }, day, time), ahead);
  const steps = h('div', { class: 'steps', role: 'group', 'aria-label': t('demo_only_note'), title: t('demo_only_note') },
    h('span', { class: 'demo-only' }, t('demo_only')),
    STEPS.map(([seconds, key]) => h('button', { type: 'button', 'aria-label': t(`${key}_label`), onclick: (event) => step(event.currentTarget, seconds) }, t(key))));
  const group = h('div', { class: 'clock' }, toggle, steps);
  const theme = iconButton(isDark() ? 'sun' : 'moon', t('theme'), () => {
    prefs.theme = isDark() ? 'light' : 'dark';
    savePrefs();
    applyTheme();
    theme.replaceChildren(icon(isDark() ? 'sun' : 'moon'));
  });
  const languages = h('div', { class: 'languages', role: 'group', 'aria-label': t('language') },
    ['es', 'en'].map((code) => h('button', { type: 'button', lang: code, 'aria-pressed': String(lang() === code), 'aria-label': code === 'es' ? 'Español' : 'English', onclick: () => changeLanguage(code) }, code.toUpperCase())));
  const element = h('div', { class: 'bar-inner' },
    h('div', { class: 'brand' }, icon('brand'), h('h1', {}, 'uSipipo'), h('span', { class: 'chip' }, 'demo')),
    status, h('span', { class: 'gap' }), group, languages, theme);

  function open(yes) {
    group.classList.toggle('open', yes);
    toggle.setAttribute('aria-expanded', String(yes));
  }
  const outside = (event) => { if (!group.contains(event.target)) open(false); };
  document.addEventListener('pointerdown', outside);
  group.addEventListener('keydown', (event) => { if (event.key === 'Escape') open(false); });

  async function step(button, seconds) {
    const buttons = [...steps.querySelectorAll('button')];
    buttons.forEach((one) => { one.disabled = true; });
    button.classList.add('busy');
    await advance(seconds, span(seconds));
    buttons.forEach((one) => { one.disabled = false; });
    button.classList.remove('busy');
  }

  function tick() {
    if (!store.state) return;
    const words = clockOf(now());
    if (time.textContent !== words.time) time.textContent = words.time;
    if (day.textContent !== words.day) day.textContent = words.day;
    const offset = store.state.clock.offset_seconds;
    ahead.hidden = offset === 0;
    ahead.textContent = `+${span(offset)}`;
    ahead.title = t('ahead', { time: span(offset) });
  }

  function update() {
    tick();
    if (!store.state) return;
    const [key, kind, values] = statusOf(store.state);
    const waiting = store.state.updates.unconfirmed;
    status.className = `status ${kind}`;
    status.title = t(`detail_${key}`, values);
    const words = [t(`bot_${key}`), kind === 'bad' && waiting ? ` · ${t('queue', { n: waiting })}` : ''].join('');
    // Unchanged words are left alone, so that a screen reader does not say them again.
    if (status.dataset.words === words) return;
    status.dataset.words = words;
    status.replaceChildren(h('i', { 'aria-hidden': 'true' }), h('span', { class: 'long' }, words), h('span', { class: 'short' }, t(`bot_short_${kind}`)));
  }

  const timer = setInterval(tick, 1000);
  const stops = [on('state', update)];
  update();
  return {
    element,
    stop: () => {
      clearInterval(timer);
      document.removeEventListener('pointerdown', outside);
      stops.forEach((stop) => stop());
    },
  };
}
