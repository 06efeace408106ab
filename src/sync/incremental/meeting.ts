import { hasReached } from '../../mysql/position.js';
import type { SourcePosition } from '../../shared/position.js';
import type { StreamPosition } from '../stream/run-services.js';

/**
 * May the main stream take tables over at `at`, a boundary between transactions of their own stream? Not before that
 * stream is where the main one is, or ahead of it. While the main stream is inside a transaction, only being ahead will
 * do: it has passed over the rows that this transaction has of these tables. `definedAt`: up to there, if given, the
 * loaded rows hold statements of the binlog already, and the main stream would carry them out again.
 */
export function mayHandOver(
  at: SourcePosition,
  main: StreamPosition,
  definedAt: SourcePosition | undefined,
): boolean {
  if (definedAt && !hasReached(at, definedAt)) return false;
  if (!hasReached(at, main.position)) return false;
  return !(main.isInside && hasReached(main.position, at));
}
