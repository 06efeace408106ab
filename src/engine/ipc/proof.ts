import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { lstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

/**
 * How an engine proves to a client, before it is told any secret, that it is the one of the state folder: it answers
 * the client's challenge with a key that only who may read the folder's files knows.
 */

const keyBytes = 32;

/** A key for this engine, in place of that of the last one. */
export function makeKey(file: string): Buffer {
  const key = randomBytes(keyBytes);
  rmSync(file, { force: true });
  writeFileSync(file, key.toString('hex'), { mode: 0o600, flag: 'wx' });
  return key;
}

export const makeChallenge = (): string => randomBytes(keyBytes).toString('hex');

export function prove(key: Buffer, challenge: string): string {
  return createHmac('sha256', key).update(`rowferry engine ${challenge}`).digest('hex');
}

/** Does the answer come from who holds the key in this file? */
export function isProof(file: string, challenge: string, answer: unknown): boolean {
  if (typeof answer !== 'string') return false;
  let key: Buffer;
  try {
    key = Buffer.from(readFileSync(file, 'utf8'), 'hex');
  } catch {
    return false;
  }
  const expected = Buffer.from(prove(key, challenge));
  const given = Buffer.from(answer);
  return key.length === keyBytes && given.length === expected.length && timingSafeEqual(given, expected);
}

/** The socket file is this account's: nobody else listens behind it. Always so for a named pipe. */
export function isOurSocket(path: string): boolean {
  const uid = process.getuid?.();
  if (uid === undefined) return true;
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat !== undefined && stat.isSocket() && stat.uid === uid;
}
