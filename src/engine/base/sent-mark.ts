import { createHash } from 'node:crypto';
import type { SentVariable } from '../../shared/sent-variables.js';

/** By which it is remembered that a variable may go to a server. A hash, since the address may hold what a variable gave. */
export function sentMark({ variable, address }: SentVariable): string {
  return createHash('sha256').update(`${variable}\n${address.toLowerCase()}`).digest('hex');
}
