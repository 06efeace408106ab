import { calendar, DateTime, EtlError, fromCalendar, pad, type Calendar } from './values.js';

/**
 * Date patterns, in both forms that scripts use: strftime (`%Y-%m-%d %H:%M:%S`) when the pattern has a percent
 * sign, else Java's (`yyyy-MM-dd HH:mm:ss.SSS`).
 */
type Part = keyof Calendar | 'fraction3';
type Piece = { part: Part; width: number } | { text: string };

const strftime: Record<string, Piece> = {
  Y: { part: 'year', width: 4 },
  m: { part: 'month', width: 2 },
  d: { part: 'day', width: 2 },
  H: { part: 'hour', width: 2 },
  M: { part: 'minute', width: 2 },
  S: { part: 'second', width: 2 },
  f: { part: 'micro', width: 6 },
  '%': { text: '%' },
};
const java: Record<string, Part> = {
  y: 'year',
  M: 'month',
  d: 'day',
  H: 'hour',
  h: 'hour',
  m: 'minute',
  s: 'second',
};

function pieces(pattern: string): Piece[] {
  const result: Piece[] = [];
  if (pattern.includes('%')) {
    for (const m of pattern.matchAll(/%(.)|([^%]+)|%$/gs)) {
      const piece = m[1] === undefined ? { text: m[2] ?? '%' } : strftime[m[1]];
      if (!piece) throw new EtlError(`%${m[1]} is unknown in a date pattern`);
      result.push(piece);
    }
    return result;
  }
  for (const m of pattern.matchAll(/'([^']*)'|(S+)|([yMdHhms])\3*|([^A-Za-z']+)|(.)/gs)) {
    if (m[2]) result.push(m[2].length <= 3 ? { part: 'fraction3', width: 3 } : { part: 'micro', width: 6 });
    else if (m[3]) result.push({ part: java[m[3]]!, width: m[3] === 'y' ? 4 : 2 });
    else if (m[5]) throw new EtlError(`"${m[5]}" is unknown in a date pattern`);
    else result.push({ text: m[1] === '' ? "'" : (m[1] ?? m[4]!) });
  }
  return result;
}

/** Throws EtlError for an unknown pattern letter. */
export function formatDateTime(value: DateTime, pattern: string): string {
  const parts = calendar(value);
  return pieces(pattern)
    .map((piece) => {
      if ('text' in piece) return piece.text;
      if (piece.part === 'fraction3') return pad(Math.floor(parts.micro / 1000), 3);
      return pad(parts[piece.part], piece.width);
    })
    .join('');
}

/** Throws EtlError when the text is not of the pattern or no date of the calendar. */
export function parseByPattern(text: string, pattern: string): DateTime {
  const parts: Calendar = { year: 1970, month: 1, day: 1, hour: 0, minute: 0, second: 0, micro: 0 };
  let at = 0;
  let digits = 0;
  for (const piece of pieces(pattern)) {
    if ('text' in piece) {
      if (!text.startsWith(piece.text, at)) throw new EtlError('the text does not match the date pattern');
      at += piece.text.length;
      continue;
    }
    const m = new RegExp(`^\\d{1,${piece.width}}`).exec(text.slice(at));
    if (!m) throw new EtlError('the text does not match the date pattern');
    at += m[0].length;
    if (piece.part === 'fraction3' || piece.part === 'micro') {
      digits = piece.width;
      parts.micro = Number(m[0].padEnd(6, '0'));
    } else parts[piece.part] = Number(m[0]);
  }
  if (at !== text.length) throw new EtlError('the text is longer than the date pattern');
  return fromCalendar(parts, digits);
}

export interface Shift {
  years: number;
  months: number;
  days: number;
  hours: number;
  minutes: number;
  seconds: number;
}

/** Months first, the day cut to the month's last (31 January + 1 month = 28 or 29 February), as MySQL's DATE_ADD. */
export function shift(value: DateTime, by: Shift): DateTime {
  const parts = calendar(value);
  const month = parts.year * 12 + parts.month - 1 + by.years * 12 + by.months;
  const [year, monthOfYear] = [Math.floor(month / 12), (((month % 12) + 12) % 12) + 1];
  const last = new Date(Date.UTC(2000 + (((year % 400) + 400) % 400), monthOfYear, 0)).getUTCDate();
  const moved = fromCalendar(
    { ...parts, year, month: monthOfYear, day: Math.min(parts.day, last) },
    value.digits,
  );
  const seconds = by.days * 86400 + by.hours * 3600 + by.minutes * 60 + by.seconds;
  return new DateTime(moved.micros + BigInt(seconds) * 1_000_000n, value.digits);
}
