/**
 * CRC-8, polynomial 0x07, initial value 0, no reflection: the checksum of PlainBuffer cells and rows.
 *
 * Eight tables let eight bytes be folded by lookups that do not wait for each other; TABLES[n] is the effect of
 * a byte that n further bytes follow.
 */
const TABLES: readonly Uint8Array[] = buildTables();

function buildTables(): Uint8Array[] {
  const first = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x80 ? ((crc << 1) ^ 0x07) & 0xff : (crc << 1) & 0xff;
    first[byte] = crc;
  }
  const tables = [first];
  for (let n = 1; n < 8; n++) {
    const previous = tables[n - 1]!;
    tables.push(first.map((_, byte) => first[previous[byte]!]!));
  }
  return tables;
}

/** The plain byte table: `crc = CRC8_TABLE[crc ^ byte]`. */
export const CRC8_TABLE: Uint8Array = TABLES[0]!;
const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
];

/** Folds bytes[start, end) into `crc`. The caller vouches that the range lies within `bytes`. */
export function crc8(crc: number, bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  for (const last = end - 8; at <= last; at += 8) {
    crc =
      T7[crc ^ bytes[at]!]! ^
      T6[bytes[at + 1]!]! ^
      T5[bytes[at + 2]!]! ^
      T4[bytes[at + 3]!]! ^
      T3[bytes[at + 4]!]! ^
      T2[bytes[at + 5]!]! ^
      T1[bytes[at + 6]!]! ^
      T0[bytes[at + 7]!]!;
  }
  for (; at < end; at++) crc = T0[crc ^ bytes[at]!]!;
  return crc;
}

export function crc8Byte(crc: number, byte: number): number {
  return T0[crc ^ byte]!;
}

/** Folds a 32-bit value, least significant byte first. */
export function crc8Int32(crc: number, value: number): number {
  return (
    T3[crc ^ (value & 0xff)]! ^ T2[(value >>> 8) & 0xff]! ^ T1[(value >>> 16) & 0xff]! ^ T0[value >>> 24]!
  );
}
