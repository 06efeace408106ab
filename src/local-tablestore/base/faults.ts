import * as z from 'zod';
import { RowferryError } from '../../shared/errors.js';
import { defaultMessages, isOtsErrorCode, OtsError, type OtsErrorCode } from './errors.js';

const errorCode = z.custom<OtsErrorCode>(
  (value) => typeof value === 'string' && isOtsErrorCode(value),
  'not an error code of Tablestore',
);

/**
 * A fault on demand.
 *
 * - `error`: the request answers `code` and nothing is applied; with `row: true` single rows of a batch do.
 * - `latency`: the request is applied and answered `delayMs` later.
 * - `timeout`: the request is never answered; it is not applied unless `applied` says so.
 * - `reset`: the connection is reset before (`applied: false`) or after (`applied: true`) the request is applied.
 * - `late`: the connection is reset at once, and the request applied `delayMs` later.
 */
const faultRule = z.strictObject({
  /** Operation such as 'BatchWriteRow'; absent: every one. */
  operation: z.string().optional(),
  kind: z.enum(['error', 'latency', 'timeout', 'reset', 'late']),
  /** 0 … 1; absent: always. */
  probability: z.number().min(0).max(1).default(1),
  /** How often it happens before the rule is used up; absent: for ever. */
  times: z.int().positive().optional(),
  /** Requests that pass unharmed before the rule begins. */
  after: z.int().nonnegative().default(0),
  code: errorCode.optional(),
  message: z.string().optional(),
  row: z.boolean().default(false),
  delayMs: z.number().nonnegative().max(600_000).default(1000),
  applied: z.boolean().default(false),
});

export const faultRules = z.array(faultRule);
export type FaultRule = z.input<typeof faultRule>;
type Rule = z.output<typeof faultRule>;

/** Reads a JSON list of rules. @throws RowferryError ROW-T104 that names what is wrong in it. */
export function parseFaultRules(json: string): FaultRule[] {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new RowferryError('ROW-T104', 'The list of faults is not JSON.', { cause });
  }
  const rules = faultRules.safeParse(value);
  if (rules.success) return rules.data;
  throw new RowferryError('ROW-T104', `The list of faults is not valid: ${z.prettifyError(rules.error)}`, {
    remedy: 'See "Faults on demand" in docs/local-tablestore.md.',
  });
}

/** The fault rules in force, and the decision for each request or row. */
export class Faults {
  private rules: { rule: Rule; left: number; skip: number }[] = [];

  /** @param random source of chance, for tests that must repeat. */
  constructor(
    rules: FaultRule[],
    private readonly random: () => number = Math.random,
  ) {
    this.set(rules);
  }

  set(rules: FaultRule[]): void {
    this.rules = faultRules
      .parse(rules)
      .map((rule) => ({ rule, left: rule.times ?? Infinity, skip: rule.after }));
  }

  list(): (Rule & { remaining: number | null })[] {
    return this.rules.map(({ rule, left }) => ({ ...rule, remaining: Number.isFinite(left) ? left : null }));
  }

  /** The fault for a whole request, or undefined. */
  forRequest(operation: string): Rule | undefined {
    return this.rules.length === 0 ? undefined : this.draw(operation, false);
  }

  /** The error for one row of a batch, or undefined. */
  forRow(operation: string): OtsError | undefined {
    if (this.rules.length === 0) return undefined;
    const rule = this.draw(operation, true);
    return rule && errorOf(rule);
  }

  private draw(operation: string, row: boolean): Rule | undefined {
    for (const entry of this.rules) {
      const { rule } = entry;
      if (rule.row !== row || (rule.operation !== undefined && rule.operation !== operation)) continue;
      if (entry.left <= 0) continue;
      if (entry.skip > 0) {
        entry.skip--;
        continue;
      }
      if (rule.probability < 1 && this.random() >= rule.probability) continue;
      entry.left--;
      return rule;
    }
    return undefined;
  }
}

/** The error that a rule of kind `error` answers. */
export function errorOf(rule: { code?: OtsErrorCode | undefined; message?: string | undefined }): OtsError {
  const code = rule.code ?? 'OTSServerBusy';
  return new OtsError(code, rule.message ?? defaultMessages[code] ?? code);
}
