import { expect, it } from 'vitest';
import { mayHandOver } from '../../../../src/sync/incremental/meeting.js';
import { at } from './kept.js';

/** Where a table sync and the main stream meet (correctness rule 11). */
const outside = (offset: number) => ({ position: at(offset), isInside: false });
const inside = (offset: number) => ({ position: at(offset), isInside: true });

it.each([
  ['not before the main stream, which has passed over the rows in between', 90, outside(100), false],
  ['where it is', 100, outside(100), true],
  ['ahead of it: it passes over what these tables have already', 110, outside(100), true],
  ['not where it has begun a transaction, whose rows so far it passed over', 100, inside(100), false],
  ['behind that transaction', 110, inside(100), true],
  ['nor before it', 90, inside(100), false],
])('%s', (_what, own, main, may) => {
  expect(mayHandOver(at(own), main, undefined)).toBe(may);
});

it('never before the position up to which the loaded rows hold statements already', () => {
  expect(mayHandOver(at(110), outside(100), at(120))).toBe(false);
  expect(mayHandOver(at(120), outside(100), at(120))).toBe(true);
});

it('by GTID where there are any: sets that do not hold each other do not meet', () => {
  const set = (gtidSet: string) => ({ gtidSet });
  const uuid = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
  const main = { position: set(`${uuid}:1-5`), isInside: false };
  expect(mayHandOver(set(`${uuid}:1-4`), main, undefined)).toBe(false);
  expect(mayHandOver(set(`${uuid}:1-3:5-9`), main, undefined)).toBe(false);
  expect(mayHandOver(set(`${uuid}:1-5`), main, undefined)).toBe(true);
});
