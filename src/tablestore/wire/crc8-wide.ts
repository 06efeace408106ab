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
