import { isUtf8 } from 'node:buffer';
import type { CellType } from '../../shared/task.js';
import type { Column } from '../model.js';
import type { CharsetDecoders } from './charset.js';
import { misfit, type Decode } from './decode.js';
import { jsonText } from './json.js';

/** CHAR, VARCHAR, TEXT, ENUM, SET, BINARY, BLOB, JSON, GEOMETRY and VECTOR. */

/** Both formats bring the stored bytes, so one decoder serves both. */
export function textDecoder(column: Column, target: CellType, charsets: CharsetDecoders): Decode {
  if (target === 'BINARY') return binary;
  const charset = charsets.get(column.charset ?? 'utf8mb4');
  if (charset === null) return utf8;
  const { decode, asciiIsUtf8 } = charset;
  return (bytes, start, end, sink) => {
    if (asciiIsUtf8 && isAscii(bytes, start, end)) sink.utf8(bytes, start, end);
    else sink.text(decode(bytes, start, end));
  };
}

/** MySQL keeps UTF-8 columns well-formed; it is copied unread. */
const utf8: Decode = (bytes, start, end, sink) => sink.utf8(bytes, start, end);
const binary: Decode = (bytes, start, end, sink) => sink.binary(bytes, start, end);

function isAscii(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at]! > 0x7f) return false;
  return true;
}

/** The binlog brings the number of a label, or a bit for each member of a SET; the text the label itself. */
export function memberDecoders(column: Column, charsets: CharsetDecoders): { text: Decode; binlog: Decode } {
  const { members } = column;
  const decodeText = textDecoder(column, 'STRING', charsets);
  // A label that was given in a charset that its column cannot hold is kept as bytes that are none of its.
  const isKept = charsets.get(column.charset ?? 'utf8mb4') === null;
  const text: Decode = (bytes, start, end, sink) => {
    if (isKept && !isAscii(bytes, start, end) && !isUtf8(bytes.subarray(start, end)))
      throw misfit('The label is not valid text in the charset of its column.');
    decodeText(bytes, start, end, sink);
  };
  if (column.dataType === 'enum') {
    return {
      text,
      binlog: (bytes, start, end, sink) => {
        const index = bytes.readUIntLE(start, end - start);
        const label = index === 0 ? '' : members[index - 1];
        if (label === undefined)
          throw misfit(`The ENUM value ${index} has no label in the column's definition.`);
        sink.text(label);
      },
    };
  }
  return {
    text,
    binlog: (bytes, start, end, sink) => {
      let bits = 0n;
      for (let at = end - 1; at >= start; at--) bits = (bits << 8n) | BigInt(bytes[at]!);
      if (bits >> BigInt(members.length))
        throw misfit("The SET value has a bit without a label in the column's definition.");
      sink.text(setText(members.filter((_, i) => (bits >> BigInt(i)) & 1n)));
    },
  };
}

/** As MySQL prints a SET: no comma behind nothing, which an empty label in front leaves. */
function setText(labels: readonly string[]): string {
  return labels.reduce((text, label) => (text === '' ? label : `${text},${label}`), '');
}

/** BINARY(n) loses the zero bytes at its end in the binlog; SELECT gives them. */
export function binaryDecoders(column: Column, target: CellType): { text: Decode; binlog: Decode } {
  const decode: Decode =
    target === 'BINARY'
      ? binary
      : (bytes, start, end, sink) => {
          if (!isUtf8(bytes.subarray(start, end))) throw misfit('The bytes are not UTF-8 text.');
          sink.utf8(bytes, start, end);
        };
  if (column.dataType !== 'binary') return { text: decode, binlog: decode };
  const { length } = column;
  return {
    text: decode,
    binlog: (bytes, start, end, sink) => {
      if (end - start === length) return decode(bytes, start, end, sink);
      const padded = Buffer.alloc(length);
      bytes.copy(padded, 0, start, end);
      decode(padded, 0, length, sink);
    },
  };
}

/** Text is MySQL's own printing, the binlog its binary form. */
export const jsonDecoders: { text: Decode; binlog: Decode } = {
  text: utf8,
  binlog: (bytes, start, end, sink) => sink.text(jsonText(bytes, start, end)),
};
