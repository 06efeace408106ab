import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

/**
 * Does what is sent to this IP address stay inside this machine? Only the loopback interface is certain to: the name in
 * a task file says nothing, and an address of another interface may move to another machine.
 */
export function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false;
  const v4 = address.replace(/^::ffff:/i, '');
  if (isIP(v4) === 4) return v4.startsWith('127.');
  return address === '::1';
}

/** Is every address behind the name one of this machine? A name that nobody knows is none. */
export async function resolvesToThisMachine(host: string): Promise<boolean> {
  try {
    const found = await lookup(host, { all: true });
    return found.length > 0 && found.every(({ address }) => isLoopback(address));
  } catch {
    return false;
  }
}
