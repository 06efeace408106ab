import { createContext, Script } from 'node:vm';
import { Variant } from '../../tablestore/wire/plainbuffer.js';
import { invalid } from '../base/errors.js';
import type { FilterValue } from '../base/filter-value.js';

/** Takes the first group that a regular expression finds in a string, read as another type. */
export function compileTransform(rule: {
  regex: string;
  castType?: number;
}): (value: FilterValue) => FilterValue | undefined {
  let expression: RegExp;
  try {
    expression = new RegExp(rule.regex);
  } catch {
    throw invalid(`Invalid regex of filter: ${rule.regex}`);
  }
  return (value) => {
    if (value.type !== Variant.STRING) return undefined;
    const found = find(expression, value.source.toString('utf8', value.start, value.end));
    const text = found?.[1] ?? found?.[0];
    return text === undefined ? undefined : castText(text, rule.castType ?? Variant.STRING);
  };
}

function castText(text: string, type: number): FilterValue | undefined {
  const number = Buffer.alloc(8);
  switch (type) {
    case Variant.INTEGER:
      if (!/^[+-]?\d{1,19}$/.test(text)) return undefined;
      number.writeBigInt64LE(BigInt.asIntN(64, BigInt(text)));
      return { type, source: number, start: 0, end: 8 };
    case Variant.DOUBLE:
      if (text.trim() === '' || Number.isNaN(Number(text))) return undefined;
      number.writeDoubleLE(Number(text));
      return { type, source: number, start: 0, end: 8 };
    default: {
      const source = Buffer.from(text);
      return { type: Variant.STRING, source, start: 0, end: source.length };
    }
  }
}

/** An expression with one repetition on a text of this length ends at once, whatever it is. */
const HARMLESS_LENGTH = 4096;
const LIMIT_MS = 200;
const sandbox = createContext({ expression: /./, text: '' }) as { expression: RegExp; text: string };
const search = new Script('expression.exec(text)');

/**
 * Runs an expression that came from outside. One that backtracks without end must not stop the server, so that
 * it gets a limit of time; the limit costs a third of a millisecond, so that the usual ones go without it.
 */
function find(expression: RegExp, text: string): RegExpExecArray | null {
  const repetitions = expression.source.match(/[*+{]/g)?.length ?? 0;
  if (repetitions <= 1 && text.length <= HARMLESS_LENGTH) return expression.exec(text);
  sandbox.expression = expression;
  sandbox.text = text;
  try {
    return search.runInContext(sandbox, { timeout: LIMIT_MS }) as RegExpExecArray | null;
  } catch {
    throw invalid(`The regex of the filter takes too long: ${expression.source}`);
  }
}
