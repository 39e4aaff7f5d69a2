// Times, days and sizes as people write them, in the language of the page.

import { lang, t } from './text.js';

const made = new Map();

/** Making one of these is slow; there are a handful. */
function formatter(options) {
  const key = lang() + JSON.stringify(options);
  if (!made.has(key)) {
    made.set(key, new Intl.DateTimeFormat(lang() === 'en' ? 'en-GB' : 'pt-BR', options));
  }
  return made.get(key);
}

/** 14:07 */
export function clock(ts) {
  return formatter({ hour: '2-digit', minute: '2-digit' }).format(ts);
}

/** One number for each local day, for comparing. */
export function dayOf(ts) {
  const date = new Date(ts);
  return date.getFullYear() * 10_000 + date.getMonth() * 100 + date.getDate();
}

function isYesterday(ts) {
  const date = new Date();
  date.setDate(date.getDate() - 1);
  return dayOf(ts) === dayOf(date);
}

/** Hoje, Ontem, or the date. */
export function dayName(ts) {
  if (dayOf(ts) === dayOf(Date.now())) return t.today;
  if (isYesterday(ts)) return t.yesterday;
  const sameYear = new Date(ts).getFullYear() === new Date().getFullYear();
  return formatter({ weekday: 'long', day: 'numeric', month: 'long', ...(sameYear ? {} : { year: 'numeric' }) }).format(ts);
}

/** For the list: the time today, Ontem, or a short date. */
export function shortWhen(ts) {
  if (dayOf(ts) === dayOf(Date.now())) return clock(ts);
  if (isYesterday(ts)) return t.yesterday;
  return formatter({ day: '2-digit', month: '2-digit', year: '2-digit' }).format(ts);
}

/** hoje às 14:07 */
export function when(ts) {
  if (dayOf(ts) === dayOf(Date.now())) return t.todayAt(clock(ts));
  const day = isYesterday(ts) ? t.yesterday.toLowerCase() : formatter({ day: 'numeric', month: 'long' }).format(ts);
  return t.dayAt(day, clock(ts));
}

/** 1,4 MB */
export function bytes(n) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  let value = n;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit > 0 && value < 10 ? 1 : 0;
  const number = value.toLocaleString(lang() === 'en' ? 'en-GB' : 'pt-BR', { maximumFractionDigits: digits });
  return `${number} ${units[unit]}`;
}
