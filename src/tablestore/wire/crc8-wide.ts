/**
 * The same CRC-8 as crc8.ts, for long runs of bytes that the row writer has just laid down: two halves of the
 * run are folded side by side, four bytes each a step, so that neither waits for the other's table look-up.
 * About three times the speed of one byte table on values of 50 bytes and more.
 */
import { CRC8_TABLE } from './crc8.js';

/** PAIR[b0 | b1 << 8]: the checksum of two bytes; PAIR_AHEAD: the same with two zero bytes behind them. */
const PAIR = new Uint8Array(0x10000);
const PAIR_AHEAD = new Uint8Array(0x10000);
/** x^127 = 1 modulo the polynomial: a checksum moved over n bytes is MOVE[(n mod 127) * 256 + checksum]. */
const PERIOD = 127;
const MOVE = new Uint8Array(PERIOD * 256);

for (let pair = 0; pair < 0x10000; pair++) {
  PAIR[pair] = CRC8_TABLE[CRC8_TABLE[pair & 0xff]! ^ (pair >>> 8)]!;
  PAIR_AHEAD[pair] = CRC8_TABLE[CRC8_TABLE[PAIR[pair]!]!]!;
}
for (let crc = 0; crc < 256; crc++) {
  let moved = crc;
  for (let n = 0; n < PERIOD; n++) {
    MOVE[n * 256 + crc] = moved;
    moved = CRC8_TABLE[moved]!;
  }
}

/** Folds the bytes [start, end) of `view` into `crc`. */
export function crc8Wide(crc: number, view: DataView, start: number, end: number): number {
  let at = start;
  const ahead = PAIR_AHEAD;
  const pair = PAIR;
  if (end - start >= 32) {
    const half = ((end - start) >>> 3) << 2;
    const middle = start + half;
    let second = middle;
    let secondCrc = 0;
    for (; at < middle; at += 4, second += 4) {
      const a = view.getUint32(at, true) ^ crc;
      const b = view.getUint32(second, true) ^ secondCrc;
      crc = ahead[a & 0xffff]! ^ pair[a >>> 16]!;
      secondCrc = ahead[b & 0xffff]! ^ pair[b >>> 16]!;
    }
    crc = MOVE[(half % PERIOD) * 256 + crc]! ^ secondCrc;
    at = second;
  }
  for (const last = end - 4; at <= last; at += 4) {
    const a = view.getUint32(at, true) ^ crc;
    crc = ahead[a & 0xffff]! ^ pair[a >>> 16]!;
  }
  for (; at < end; at++) crc = CRC8_TABLE[crc ^ view.getUint8(at)]!;
  return crc;
}

/** Folds eight bytes given as two 32-bit words, the low one first. */
export function crc8Words(crc: number, low: number, high: number): number {
  const a = low ^ crc;
  const b = high ^ PAIR_AHEAD[a & 0xffff]! ^ PAIR[a >>> 16]!;
  return PAIR_AHEAD[b & 0xffff]! ^ PAIR[b >>> 16]!;
}

/**
 * Copies from[start, start + size) to to[at, …) and folds it into `crc` on the way: each word is loaded once. For
 * the sizes that columns have this is faster than a native copy with a checksum after it.
 */
export function crc8Copy(
  crc: number,
  from: DataView,
  start: number,
  to: DataView,
  at: number,
  size: number,
): number {
  const ahead = PAIR_AHEAD;
  const pair = PAIR;
  let i = 0;
  if (size >= 32) {
    const half = (size >>> 3) << 2;
    let secondCrc = 0;
    for (; i < half; i += 4) {
      let a = from.getUint32(start + i, true);
      let b = from.getUint32(start + half + i, true);
      to.setUint32(at + i, a, true);
      to.setUint32(at + half + i, b, true);
      a ^= crc;
      b ^= secondCrc;
      crc = ahead[a & 0xffff]! ^ pair[a >>> 16]!;
      secondCrc = ahead[b & 0xffff]! ^ pair[b >>> 16]!;
    }
    crc = MOVE[(half % PERIOD) * 256 + crc]! ^ secondCrc;
    i = half * 2;
  }
  for (const last = size - 4; i <= last; i += 4) {
    let a = from.getUint32(start + i, true);
    to.setUint32(at + i, a, true);
    a ^= crc;
    crc = ahead[a & 0xffff]! ^ pair[a >>> 16]!;
  }
  for (; i < size; i++) {
    const byte = from.getUint8(start + i);
    to.setUint8(at + i, byte);
    crc = CRC8_TABLE[crc ^ byte]!;
  }
  return crc;
}
