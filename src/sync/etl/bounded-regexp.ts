import { createContext, Script } from 'node:vm';
import { EtlError } from './values.js';

/** For how long a row may keep all tasks of the engine waiting. */
const mostMillis = 200;
/** What takes so few steps takes less than the watch that would be kept over it. */
const fewSteps = 100_000;

const sandbox: { run: () => boolean } = { run: () => false };
const context = createContext(sandbox);
const script = new Script('run()');

/**
 * A search that ends: the engine of JavaScript tries every way to divide a text among `*`, `+` and the like, which can
 * take longer than the universe exists. Throws EtlError when it takes too long.
 */
export function boundedTest(expression: RegExp, text: string): boolean {
  if (steps(expression.source, text.length) <= fewSteps) return expression.test(text);
  sandbox.run = () => expression.test(text);
  try {
    return script.runInContext(context, { timeout: mostMillis }) as boolean;
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    throw new EtlError('the regular expression takes too long for this value', { cause: error });
  }
}

/** More take so long even between two looks at the watch. */
const mostRepeats = 20;

/** No fewer than it can take, so long as no group is repeated; Infinity then. */
function steps(source: string, length: number): number {
  const repeats = source.match(/[*+]|\{\d+,|[^(*+}]\?/g)?.length ?? 0;
  if (repeats > mostRepeats)
    throw new EtlError(`the regular expression has more than ${mostRepeats} repetitions`);
  if (/\)[*+?{]|\\[1-9k]/.test(source)) return Infinity;
  return (length + 1) ** (repeats + 1) * (source.length + 1);
}
