import { codeTable, formsByTable, formsOfUnicode, type CodeTable, type StoredForms } from './stored-text.js';

/**
 * Stored text to Unicode, exactly as MySQL converts it. The tables of a charset are asked of the server itself
 * (one conversion of all its codes), since no library agrees with MySQL on every code point. UTF-8 is copied.
 */

/** Text of stored bytes; null: the bytes are UTF-8 already. */
export type CharsetDecoder = (bytes: Buffer, start: number, end: number) => string;
export interface CharsetDecoders {
  /** The charset of a collation, by its id; undefined when the server has none of that id. */
  charsetOf(collation: number): string | undefined;
  /** The name of a collation, by its id; undefined as before. */
  collationOf(collation: number): string | undefined;
  /** null: copy the bytes. Throws CharsetNotLoaded. */
  get(charset: string): { decode: CharsetDecoder; asciiIsUtf8: boolean } | null;
  /** The stored bytes that the charset shows as `text`. Throws CharsetNotLoaded. */
  stored(charset: string, text: string): StoredForms;
  /** Loads further charsets; those that are there already cost nothing. */
  load(query: Query, charsets: Iterable<string>): Promise<void>;
}

/** A definition or a statement needs a charset that none before it did: it has to be asked of the server. */
export class CharsetNotLoaded extends Error {
  constructor(readonly charset: string) {
    super(`the charset ${charset} was not loaded`);
  }
}

interface LoadedCharset {
  readonly decode: CharsetDecoder;
  readonly asciiIsUtf8: boolean;
  readonly table?: () => CodeTable;
}

type Query = <T>(sql: string) => Promise<T[]>;

const copied = new Set(['utf8mb4', 'utf8mb3', 'utf8', 'ascii']);

/** Bytes of this charset are UTF-8, or no text at all. */
export function isCopied(charset: string | null): boolean {
  return charset === null || charset === 'binary' || copied.has(charset);
}

/** Loads what `charsets` need. Any connection will do, whatever its own charset. */
export async function loadCharsetDecoders(
  query: Query,
  charsets: Iterable<string>,
): Promise<CharsetDecoders> {
  const loaded = new Map<string, LoadedCharset | null>();
  for (const charset of copied) loaded.set(charset, null);
  for (const [charset, decode] of Object.entries(unicode))
    loaded.set(charset, { decode, asciiIsUtf8: false });
  const collations = await query<{ id: number; name: string; charset: string }>(
    'SELECT ID AS id, COLLATION_NAME AS name, CHARACTER_SET_NAME AS charset FROM INFORMATION_SCHEMA.COLLATIONS',
  );
  const byId = new Map(collations.map((collation) => [Number(collation.id), collation]));
  const decoders: CharsetDecoders = {
    charsetOf: (collation) => byId.get(collation)?.charset,
    collationOf: (collation) => byId.get(collation)?.name,
    get(charset) {
      const decoder = loaded.get(charset);
      if (decoder === undefined) throw new CharsetNotLoaded(charset);
      return decoder;
    },
    stored(charset, text) {
      const table = decoders.get(charset) && loaded.get(charset)?.table;
      return table ? formsByTable(table(), text) : formsOfUnicode(charset, text);
    },
    async load(ask, wanted) {
      for (const charset of new Set(wanted)) {
        if (!loaded.has(charset)) loaded.set(charset, await loadTable(ask, charset));
      }
    },
  };
  await decoders.load(query, charsets);
  return decoders;
}

function swapped(bytes: Buffer, start: number, end: number): string {
  const even = end - ((end - start) & 1);
  return Buffer.from(bytes.subarray(start, even)).swap16().toString('utf16le');
}

const unicode: Record<string, CharsetDecoder> = {
  ucs2: swapped,
  utf16: swapped,
  utf16le: (bytes, start, end) => bytes.toString('utf16le', start, end),
  utf32: (bytes, start, end) => {
    let text = '';
    for (let at = start; at + 4 <= end; at += 4) text += String.fromCodePoint(bytes.readUInt32BE(at));
    return text;
  },
};

/** Byte ranges of codes: each inner list is one form of a code, a range for each of its bytes. */
type Range = readonly [from: number, to: number];
const ascii: Range = [0x00, 0x7f];
const forms: Record<string, readonly (readonly (readonly Range[])[])[]> = {
  gbk: [
    [
      [[0x81, 0xfe]],
      [
        [0x40, 0x7e],
        [0x80, 0xfe],
      ],
    ],
  ],
  gb2312: [[[[0xa1, 0xf7]], [[0xa1, 0xfe]]]],
  big5: [
    [
      [[0xa1, 0xf9]],
      [
        [0x40, 0x7e],
        [0xa1, 0xfe],
      ],
    ],
  ],
  euckr: [
    [
      [[0x81, 0xfe]],
      [
        [0x41, 0x5a],
        [0x61, 0x7a],
        [0x81, 0xfe],
      ],
    ],
  ],
  sjis: [
    [[[0xa1, 0xdf]]],
    [
      [
        [0x81, 0x9f],
        [0xe0, 0xfc],
      ],
      [
        [0x40, 0x7e],
        [0x80, 0xfc],
      ],
    ],
  ],
  cp932: [
    [[[0xa1, 0xdf]]],
    [
      [
        [0x81, 0x9f],
        [0xe0, 0xfc],
      ],
      [
        [0x40, 0x7e],
        [0x80, 0xfc],
      ],
    ],
  ],
  ujis: [
    [[[0x8e, 0x8e]], [[0xa1, 0xdf]]],
    [[[0xa1, 0xfe]], [[0xa1, 0xfe]]],
    [[[0x8f, 0x8f]], [[0xa1, 0xfe]], [[0xa1, 0xfe]]],
  ],
  eucjpms: [
    [[[0x8e, 0x8e]], [[0xa1, 0xdf]]],
    [[[0xa1, 0xfe]], [[0xa1, 0xfe]]],
    [[[0x8f, 0x8f]], [[0xa1, 0xfe]], [[0xa1, 0xfe]]],
  ],
  gb18030: [
    [
      [[0x81, 0xfe]],
      [
        [0x40, 0x7e],
        [0x80, 0xfe],
      ],
    ],
    // The four-byte codes of the Basic Multilingual Plane; those beyond follow a formula.
    [[[0x81, 0x84]], [[0x30, 0x39]], [[0x81, 0xfe]], [[0x30, 0x39]]],
  ],
};

async function loadTable(query: Query, charset: string): Promise<LoadedCharset> {
  const codes: number[][] = [];
  const shapes = forms[charset];
  for (let byte = 0; byte <= (shapes ? ascii[1] : 0xff); byte++) codes.push([byte]);
  for (const shape of shapes ?? []) for (const code of combinations(shape)) codes.push(code);
  const texts = await convert(query, charset, codes);
  const table = new Map<number, string>();
  codes.forEach((code, i) => table.set(numberOf(code), texts[i]!));

  const single = Array.from({ length: 256 }, (_, byte) => table.get(byte));
  const asciiIsUtf8 = single.slice(0, 128).every((text, byte) => text === String.fromCharCode(byte));
  // Turned around when a text is looked up for the first time.
  let turned: CodeTable | undefined;
  const toStored = () =>
    (turned ??= {
      ...codeTable(codes.map((code, i) => [code, texts[i]!] as const)),
      ...(charset === 'gb18030' && { beyond: codeBeyondTheBasicPlane }),
    });
  if (!shapes) {
    return {
      decode: (bytes, start, end) => singleBytes(single, bytes, start, end),
      asciiIsUtf8,
      table: toStored,
    };
  }
  return {
    decode: (bytes, start, end) => multiBytes(table, single, charset, bytes, start, end),
    asciiIsUtf8,
    table: toStored,
  };
}

function singleBytes(
  table: readonly (string | undefined)[],
  bytes: Buffer,
  start: number,
  end: number,
): string {
  let text = '';
  for (let at = start; at < end; at++) text += table[bytes[at]!] ?? '?';
  return text;
}

/** A code is as long as the table knows it; a byte that begins none is what MySQL shows for it: a question mark. */
function multiBytes(
  table: ReadonlyMap<number, string>,
  single: readonly (string | undefined)[],
  charset: string,
  bytes: Buffer,
  start: number,
  end: number,
): string {
  let text = '';
  for (let at = start; at < end;) {
    const one = single[bytes[at]!];
    if (one !== undefined) {
      text += one;
      at++;
      continue;
    }
    let code = bytes[at]!;
    let size = 1;
    let found: string | undefined;
    while (found === undefined && size < 4 && at + size < end) {
      code = code * 256 + bytes[at + size]!;
      size++;
      found =
        table.get(code) ?? (size === 4 && charset === 'gb18030' ? beyondTheBasicPlane(bytes, at) : undefined);
    }
    text += found ?? '?';
    at += found === undefined ? 1 : size;
  }
  return text;
}

/** GB 18030: four-byte codes from 0x90308130 count on from U+10000. */
function beyondTheBasicPlane(bytes: Buffer, at: number): string | undefined {
  const linear =
    (((bytes[at]! - 0x90) * 10 + bytes[at + 1]! - 0x30) * 126 + bytes[at + 2]! - 0x81) * 10 +
    bytes[at + 3]! -
    0x30;
  return linear >= 0 && linear <= 0xfffff ? String.fromCodePoint(0x10000 + linear) : undefined;
}

function codeBeyondTheBasicPlane(codePoint: number): Buffer | null {
  const linear = codePoint - 0x10000;
  if (linear < 0) return null;
  return Buffer.from([
    0x90 + Math.floor(linear / 12600),
    0x30 + (Math.floor(linear / 1260) % 10),
    0x81 + (Math.floor(linear / 10) % 126),
    0x30 + (linear % 10),
  ]);
}

function* combinations(shape: readonly (readonly Range[])[]): Generator<number[]> {
  const [first, ...rest] = shape;
  if (!first) {
    yield [];
    return;
  }
  for (const [from, to] of first) {
    for (let byte = from; byte <= to; byte++) for (const tail of combinations(rest)) yield [byte, ...tail];
  }
}

const numberOf = (code: readonly number[]) => code.reduce((value, byte) => value * 256 + byte, 0);

const codesAtOnce = 4000;
/** Stands between codes: a line feed is itself in every charset that has a table. */
const separator = 0x0a;

/**
 * The texts of codes. Many are converted in one value, cut at line feeds; where a code is malformed the rest of
 * such a value is lost, so halves are asked until it stands alone. A malformed code is a question mark.
 */
async function convert(query: Query, charset: string, codes: readonly number[][]): Promise<string[]> {
  const texts: string[] = [];
  for (let from = 0; from < codes.length; from += codesAtOnce) {
    texts.push(...(await convertSome(query, charset, codes.slice(from, from + codesAtOnce))));
  }
  return texts;
}

async function convertSome(query: Query, charset: string, codes: readonly number[][]): Promise<string[]> {
  const literal = Buffer.from(codes.flatMap((code) => [...code, separator])).toString('hex');
  const [row] = await query<{ converted: string | null }>(
    `SELECT HEX(CONVERT(CONVERT(0x${literal} USING ${charset}) USING utf8mb4)) AS converted`,
  );
  const text = Buffer.from(row?.converted ?? '', 'hex').toString('utf8');
  const parts = cut(text, codes);
  if (parts) return parts;
  if (codes.length === 1) return ['?'];
  const middle = codes.length >> 1;
  return [
    ...(await convertSome(query, charset, codes.slice(0, middle))),
    ...(await convertSome(query, charset, codes.slice(middle))),
  ];
}

/** One text a code, or null when the line feeds do not come out. A code that is a line feed itself is told apart. */
function cut(text: string, codes: readonly number[][]): string[] | null {
  const parts: string[] = [];
  let at = 0;
  for (const code of codes) {
    const end = text.indexOf('\n', code.length === 1 && code[0] === separator ? at + 1 : at);
    if (end < 0) return null;
    parts.push(text.slice(at, end));
    at = end + 1;
  }
  return at === text.length ? parts : null;
}
