import type * as z from 'zod';
import { RowferryError } from './errors.js';
import { said } from './said.js';

/**
 * The arguments of a call of a page, as its schema lets them through. Throws ROW-E107 in one sentence: what zod says is a
 * list for programmers, and holds names that the page chose.
 */
export function callArguments<Arguments extends unknown[]>(
  schema: z.ZodType<Arguments>,
  call: string,
  given: unknown[],
): Arguments {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const [first] = result.error.issues;
  const where = first && first.path.length > 0 ? ` (argument ${said(first.path.map(String).join('.'))})` : '';
  throw new RowferryError('ROW-E107', `The page called ${call} with wrong arguments${where}.`, {
    remedy: 'Close the page and open it again.',
    cause: result.error,
  });
}
