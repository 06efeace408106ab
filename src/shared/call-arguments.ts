import type * as z from 'zod';
import { RowferryError } from './errors.js';
import { said } from './said.js';

/** Arguments of each call that another process, or a page, may make. */
export type CallSchemas = Record<string, z.ZodType<unknown[]>>;
/** A schema for each call of an API, and for nothing else. */
export type CallSchemasOf<Api extends object> = {
  [Call in keyof Api]-?: Required<Api>[Call] extends (...args: infer Arguments) => unknown
    ? z.ZodType<Arguments>
    : never;
};

/** Who calls, at the beginning of a sentence, and what helps when it calls wrongly. */
export interface Caller {
  name: string;
  remedy: string;
}

/**
 * The arguments of a call, as its schema lets them through. Throws ROW-E107 in one sentence: what zod says is a list for
 * programmers, and holds names that the caller chose.
 */
export function callArguments<Arguments extends unknown[]>(
  schema: z.ZodType<Arguments>,
  call: string,
  given: unknown[],
  caller: Caller,
): Arguments {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const [first] = result.error.issues;
  const where = first && first.path.length > 0 ? ` (argument ${said(first.path.map(String).join('.'))})` : '';
  throw new RowferryError('ROW-E107', `${caller.name} called ${call} with wrong arguments${where}.`, {
    remedy: caller.remedy,
    cause: result.error,
  });
}
