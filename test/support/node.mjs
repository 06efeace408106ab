// The Node that the repository's scripts and tests run on.
import path from 'node:path';
import { findNode, nodeWanted } from '../../src/cli/find-node.mjs';
import { SetupError } from './cache.mjs';

/** The repository's own folder. */
export const repository = path.resolve(import.meta.dirname, '../..');

/** A Node that is new enough for the product. Throws SetupError when there is none. */
export function requireNode() {
  const node = findNode(repository);
  if (node === undefined) throw new SetupError(nodeWanted.replace('\n', ' '));
  return node;
}
