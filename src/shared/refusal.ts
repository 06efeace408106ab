import type { ErrorCode } from './errors.js';

/** A side of a task. */
export type Side = 'source' | 'destination';

/** The side that did not take its password or key, where an error is about that: it may have been mistyped. */
export function refusedSide(code: ErrorCode | undefined): Side | undefined {
  if (code === 'ROW-S102') return 'source';
  return code === 'ROW-D102' ? 'destination' : undefined;
}
