import { expect, it } from 'vitest';
import { RowferryError } from '../../src/shared/errors.js';
import { Chance } from './chance.js';

/** Short in `npm test`; FUZZ_SECONDS says for how long each such test runs, FUZZ_SEED with which seed it begins. */
const seconds = Number(process.env['FUZZ_SECONDS'] ?? 1);
const firstSeed = process.env['FUZZ_SEED'] === undefined ? undefined : Number(process.env['FUZZ_SEED']);
/** Whatever came, nothing may take longer. */
const mostMillis = 2000;

/** A test that does something by chance again and again. What fails is said with the seed that repeats it. */
export function fuzz(name: string, once: (chance: Chance) => void | Promise<void>): void {
  it(
    name,
    async () => {
      const until = performance.now() + seconds * 1000;
      for (let seed = firstSeed ?? Date.now() & 0x3fffffff; ; seed++) {
        const began = performance.now();
        try {
          await once(new Chance(seed));
        } catch (error) {
          throw new Error(`FUZZ_SEED=${seed}: ${error instanceof Error ? error.message : String(error)}`, {
            cause: error,
          });
        }
        const now = performance.now();
        expect(now - began, `ms with FUZZ_SEED=${seed}`).toBeLessThan(mostMillis);
        if (now > until) break;
      }
    },
    seconds * 1000 + 20_000,
  );
}

/** Runs it; only an error with a code may come. Gives its code. */
export function refusal(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof RowferryError) return error.code;
    throw error;
  }
}

/** A copy with some bits and runs of bytes changed. */
export function spoiled(bytes: Buffer, chance: Chance): Buffer {
  const copy = Buffer.from(bytes);
  if (copy.length === 0) return copy;
  for (let left = 1 + chance.below(4); left > 0; left--) {
    const at = chance.below(copy.length);
    switch (chance.below(4)) {
      case 0:
        copy[at]! ^= 1 << chance.below(8);
        break;
      case 1:
        copy[at] = chance.of([0, 1, 0x7f, 0x80, 0xfb, 0xfc, 0xfd, 0xfe, 0xff]);
        break;
      case 2:
        copy.fill(0xff, at, Math.min(copy.length, at + 1 + chance.below(8)));
        break;
      default:
        copy.copy(copy, at, chance.below(copy.length));
    }
  }
  return copy;
}
