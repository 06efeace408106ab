import type { Chance } from './chance.js';

const texts = ['', 'x', '__proto__', 'constructor', 'then', '../../x', '\u202e<b>', 'x'.repeat(20_000), '\0'];

/** Any value that a message may hold, down to a depth; `hints`: names and values that mean something to who reads it. */
export function randomValue(chance: Chance, hints: readonly unknown[] = [], depth = 4): unknown {
  const inner = () => randomValue(chance, hints, depth - 1);
  switch (chance.below(depth > 0 ? 11 : 8)) {
    case 0:
      return null;
    case 1:
      return chance.once(2);
    case 2:
      return chance.of([0, -1, 1, 0.5, 1e308, -1e308, 2 ** 53, NaN, Infinity]);
    case 3:
      return chance.of(texts);
    case 4:
    case 5:
    case 6:
      return hints.length > 0 ? chance.of(hints) : chance.below(100);
    case 7:
      return undefined;
    case 8:
      return Array.from({ length: chance.of([0, 1, 2, 5, 300]) }, () =>
        depth > 2 ? inner() : chance.below(9),
      );
    case 9:
      return nested(chance.of([10, 100, 1000]));
    default:
      return Object.fromEntries(
        Array.from({ length: chance.below(6) }, () => [
          String(chance.of([...texts, ...hints.filter((hint) => typeof hint === 'string')])),
          inner(),
        ]),
      );
  }
}

function nested(depth: number): unknown {
  let value: unknown = [];
  for (let left = depth; left > 0; left--) value = [value];
  return value;
}
