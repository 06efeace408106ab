import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GtidSet } from '../../../src/mysql/gtid.js';

const a = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
const b = 'fe11fa47-71ca-11e1-9e33-c80aa9429562';

describe('GtidSet', () => {
  it('prints what it parsed, as the server does', () => {
    expect(String(GtidSet.parse(''))).toBe('');
    expect(String(GtidSet.parse(`${b}:7,\n${a.toUpperCase()}:1-3:5`))).toBe(`${a}:1-3:5,${b}:7`);
    expect(String(GtidSet.parse(`${a}:1-5:tag_b:2:tag_a:1-2`))).toBe(`${a}:1-5:tag_a:1-2:tag_b:2`);
    expect(String(GtidSet.parse(`${a}:tag_a:1`))).toBe(`${a}:tag_a:1`);
  });

  it('is exact up to the last number', () => {
    const set = GtidSet.parse(`${a}:9223372036854775805`);
    set.add(`${a}:9223372036854775806`);
    expect(String(set)).toBe(`${a}:9223372036854775805-9223372036854775806`);
    expect(set.contains(`${a}:9223372036854775804`)).toBe(false);
  });

  it.each(['x', `${a}:0`, `${a}:5-3`, `${a}:1-2-3`, `${a}:-`, 'g'.repeat(36) + ':1'])(
    'refuses %s',
    (text) => {
      expect(() => GtidSet.parse(text)).toThrow();
    },
  );

  it('tells one server’s transactions from another’s', () => {
    const set = GtidSet.parse(`${a}:1-5:t:1,${b}:3`);
    expect(String(set.ofServer(a))).toBe(`${a}:1-5:t:1`);
    expect(set.containsSet(GtidSet.parse(`${a}:2-4,${b}:3`))).toBe(true);
    expect(set.containsSet(GtidSet.parse(`${b}:3-4`))).toBe(false);
    expect(set.containsSet(GtidSet.parse(`${b}:t:3`))).toBe(false);
  });

  it('agrees with a set of numbers, whatever is added in whatever order', () => {
    const numbers = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 40 });
    fc.assert(
      fc.property(numbers, numbers, (first, second) => {
        const one = new GtidSet();
        const two = new GtidSet();
        for (const number of first) one.add(`${a}:${number}`);
        for (const number of second) two.add(`${a}:${number}`);
        for (let number = 1; number <= 41; number++) {
          expect(one.contains(`${a}:${number}`)).toBe(first.includes(number));
          expect(one.minus(two).contains(`${a}:${number}`)).toBe(
            first.includes(number) && !second.includes(number),
          );
        }
        expect(String(GtidSet.parse(String(one)))).toBe(String(one));
        expect(one.containsSet(two)).toBe(second.every((number) => first.includes(number)));
      }),
    );
  });
});
