// The list of people, and the forms to add and change them.

import { avatar, dialog, failed, h, icon, iconButton, note } from './dom.js';
import { summary } from './message.js';
import { beside, chatOf, emit, lastMessage, nameOf, person, PRESETS, putPerson, show, store, unread } from './store.js';
import { t, timeOf } from './texts.js';

const LABELS = { user: 'label_user', 'second user': 'label_second', admin: 'label_admin' };
/** So many people are listed; a load test makes thousands. */
const LISTED = 100;

/** The word for a person's kind. */
export const labelOf = (one) => (one?.label ? (LABELS[one.label] ? t(LABELS[one.label]) : one.label) : t('label_user'));

/** What stands in the list, with what it was made of: an item that is not changed stays, and with it focus and a press under way. */
const items = new Map();

/** Brings the list up to date. */
export function renderPeople(box) {
  const focused = box.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const wanted = store.people.slice(0, LISTED).map((one) => kept(`person-${one.id}`, factsOf(one), item));
  wanted.push(kept('add', { words: t('add') }, addItem));
  const same = wanted.length === box.children.length && wanted.every((element, index) => box.children[index] === element);
  if (same) return;
  box.replaceChildren(...wanted);
  if (focused) box.querySelector(`[data-key="${focused}"]`)?.focus({ preventScroll: true });
}

function kept(key, facts, build) {
  const made = JSON.stringify(facts);
  if (items.get(key)?.made !== made) items.set(key, { made, element: build(facts, key) });
  return items.get(key).element;
}

function factsOf(one) {
  const last = lastMessage(one.id);
  return {
    one: { ...one, rev: 0, last_message_id: 0 },
    label: labelOf(one),
    count: unread(one.id),
    own: last?.from === 'person',
    words: summary(last).slice(0, 80),
    date: last?.date ?? null,
    open: store.open.includes(one.id),
    active: store.active === one.id,
    typing: (chatOf(one.id).typing?.until_ms ?? 0) > Date.now(),
  };
}

const addItem = ({ words }, key) =>
  h('button', { type: 'button', class: 'person add', data: { key }, onclick: () => addPerson() },
    h('span', { class: 'avatar plus' }, icon('plus')), h('span', { class: 'person-text' }, h('b', {}, words)));

function item({ one, label, count, own, words, date, open, active, typing }, key) {
  return h('div', { class: `person-item ${open ? 'open' : ''} ${active ? 'active' : ''}` },
    h('button', { type: 'button', class: 'person', data: { key }, 'aria-current': active ? 'true' : null, onclick: () => { show(one.id); emit('focus', one.id); } },
      avatar(one),
      h('span', { class: 'person-text' },
        h('b', {}, nameOf(one), h('span', { class: `label label-${(one.label ?? 'user').replace(/\W+/g, '-')}` }, label)),
        h('span', { class: `preview ${typing ? 'is-typing' : ''}` }, typing ? t('typing') : [own ? h('em', {}, t('draft_me')) : null, words])),
      h('span', { class: 'person-side' },
        h('time', {}, date === null ? '' : timeOf(date)),
        count ? h('span', { class: 'badge', 'aria-label': t('unread', { n: count }) }, count > 99 ? '99+' : count) : null)),
    open ? null : iconButton('beside', t('beside_of', { name: nameOf(one) }), () => { beside(one.id); emit('focus', one.id); }, { class: 'icon-button beside', title: t('beside') }));
}

/** Cards to choose from. */
export function presetCards(chosen) {
  return [
    ...PRESETS.map((preset) => h('button', { type: 'button', class: 'preset', onclick: () => choose(preset).then(chosen, failed) },
      avatar(preset), h('span', {}, h('b', {}, preset.first_name), h('small', {}, person(preset.id) ? t('present') : t(preset.text)), h('code', {}, preset.id)))),
    h('button', { type: 'button', class: 'preset', onclick: () => { chosen(); personForm(null); } },
      h('span', { class: 'avatar plus' }, icon('plus')), h('span', {}, h('b', {}, t('own_person')), h('small', {}, t('own_person_text')))),
  ];
}

async function choose(preset) {
  const { text: _, ...value } = preset;
  if (!person(preset.id)) await putPerson(value);
  show(preset.id);
  emit('focus', preset.id);
}

/** Asks whom to add. */
export const addPerson = () =>
  dialog(t('add'), (close) => [
    h('header', { class: 'dialog-head' }, h('b', {}, t('add'))),
    h('div', { class: 'presets' }, presetCards(() => close())),
    h('div', { class: 'dialog-actions' }, h('button', { type: 'button', class: 'plain', onclick: () => close() }, t('cancel'))),
  ], 'medium');

/** A new person, or an old one to change. */
export function personForm(one) {
  return dialog(one ? t('edit_person') : t('own_person'), (close) => {
    const field = (name, label, extra = {}) => h('label', {}, h('span', {}, label), h('input', { name, value: one?.[name] ?? '', autocomplete: 'off', ...extra }));
    const choice = (name, label, options, value) => h('label', {}, h('span', {}, label), h('select', { name }, options.map(([key, text]) => h('option', { value: key, selected: key === value }, text))));
    const form = h('form', { class: 'person-form', onsubmit: (event) => { event.preventDefault(); submit(form, one, close); } },
      field('first_name', t('first_name'), { required: true, maxlength: 64, autofocus: true }),
      field('last_name', t('last_name'), { maxlength: 64 }),
      field('username', t('username'), { maxlength: 32, pattern: '[A-Za-z0-9_]*' }),
      field('id', t('person_id'), { inputmode: 'numeric', pattern: '[0-9]{1,15}', placeholder: one ? '' : t('person_id_hint'), readonly: Boolean(one) }),
      choice('language_code', t('person_language'), [['es', 'Español'], ['en', 'English'], ['pt', 'Português'], ['fr', 'Français'], ['ru', 'Русский']], one?.language_code ?? 'es'),
      choice('label', t('kind'), [['user', t('label_user')], ['second user', t('label_second')], ['admin', t('label_admin')]], one?.label ?? 'user'),
      h('div', { class: 'dialog-actions' },
        h('button', { type: 'button', class: 'plain', onclick: () => close() }, t('cancel')),
        h('button', { type: 'submit', class: 'filled' }, t('save'))));
    return [h('header', { class: 'dialog-head' }, h('b', {}, one ? t('edit_person') : t('own_person'))), form];
  }, 'small');
}

async function submit(form, one, close) {
  const value = Object.fromEntries(new FormData(form));
  if (one) value.id = one.id;
  else if (value.id) value.id = Number(value.id);
  else delete value.id;
  try {
    const id = await putPerson(value);
    close();
    if (!one) show(id);
  } catch (error) {
    note(t('action_failed', { error: error.message }), 'bad');
  }
}
