import { isPartOfBound, type ChunkColumn } from './chunk-key.js';
import type { CharsetDecoders } from './types/index.js';

/**
 * What a person types for a column of a chunk key, as its part of a bound; null when the column has no such value.
 * Labels of ENUM and SET as they are, bytes as 0x….
 */
export function typedBound(one: ChunkColumn, typed: string, charsets: CharsetDecoders): string | null {
  const { column, kind } = one;
  const text = typed.trim();
  switch (kind) {
    case 'text':
      return charsets.stored(column.charset!, typed).forms[0]?.toString('hex') ?? null;
    case 'bytes':
      return /^0x([0-9a-f]{2})*$/i.test(text) ? text.slice(2) : null;
    case 'integer':
    case 'decimal':
    case 'double':
      return isPartOfBound(one, text) ? text : null;
    case 'number':
      return numberOf(column, text);
    case 'date':
      return isDay(text) ? text : null;
    case 'datetime': {
      const [, day = '', time = '00:00:00'] = /^(\S+?)(?:[ T](\S+))?$/.exec(text) ?? [];
      return isDay(day) && /^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?$/.test(time)
        ? `${day} ${time}`
        : null;
    }
    case 'time':
      return /^-?\d{2,3}:[0-5]\d:[0-5]\d(\.\d{1,6})?$/.test(text) ? text : null;
  }
}

/** A label, or the number that stands for it. */
function numberOf({ dataType, members }: ChunkColumn['column'], text: string): string | null {
  if (dataType === 'enum') {
    const at = members.indexOf(text);
    if (at >= 0) return String(at + 1);
  }
  if (dataType === 'set') {
    const places = text.split(',').map((label) => members.indexOf(label));
    if (places.every((place) => place >= 0))
      return String(places.reduce((bits, place) => bits | (1n << BigInt(place)), 0n));
  }
  return /^\d+$/.test(text) ? text : null;
}

function isDay(text: string): boolean {
  const [, month, day] = /^\d{4}-(\d\d)-(\d\d)$/.exec(text) ?? [];
  return Number(month) <= 12 && Number(day) <= 31;
}
