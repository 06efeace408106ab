import { lstatSync, readFileSync, readdirSync, realpathSync, statSync, type Stats } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { RowferryError } from '../../shared/errors.js';

/** Bits of a mode: the group or others may write. */
const othersWrite = 0o022;
const othersEnter = 0o011;
const worldWrites = 0o002;
const sticky = 0o1000;

/**
 * Is the folder ours alone? What lies in it is believed, and secrets go to who answers for it. So it belongs to this
 * account, nobody else may write to it, nothing in it is somebody else's, and nobody else can put another folder or a
 * link in its place on the way from the root. Throws ROW-E105 with what is wrong and how it is put right. Windows keeps a
 * user's folders from others by itself.
 */
export function assertPrivate(folder: string): void {
  const uid = process.getuid?.();
  if (uid === undefined) return;
  const trusted = new Set([uid, systemAccount()]);
  const named = resolve(folder);
  for (const path of [...foldersAbove(named), named]) assertNoForeignLink(path, path === named, trusted);
  const real = realpathSync(named);
  for (const path of foldersAbove(real)) assertSafeAbove(path, statSync(path), trusted);
  const folderStat = statSync(real);
  assertOurs(real, folderStat, uid, true);
  const isEntered = (folderStat.mode & othersEnter) !== 0;
  for (const name of readdirSync(real)) {
    const stat = lstatSync(join(real, name), { throwIfNoEntry: false });
    if (stat) assertOurs(join(real, name), stat, uid, isEntered);
  }
}

/** Root; in a user namespace without it (a sandbox) what belongs to root has the number of accounts that are not mapped. */
function systemAccount(): number {
  try {
    const maps = readFileSync('/proc/self/uid_map', 'utf8').trim().split('\n');
    if (maps.some((map) => map.trim().startsWith('0 '))) return 0;
    return Number(readFileSync('/proc/sys/kernel/overflowuid', 'utf8'));
  } catch {
    return 0;
  }
}

/** From the root down. */
function foldersAbove(path: string): string[] {
  const above = dirname(path);
  return above === path ? [] : [...foldersAbove(above), above];
}

/** The system's own links (/tmp of macOS) and those of this account lead where we mean; the folder itself is none. */
function assertNoForeignLink(path: string, isItself: boolean, trusted: ReadonlySet<number>): void {
  const stat = lstatSync(path);
  if (!stat.isSymbolicLink()) return;
  if (isItself) throw refusal(path, 'is a symbolic link.', `Name the folder itself: ${realpathSync(path)}.`);
  if (!trusted.has(stat.uid))
    throw refusal(
      path,
      'is a symbolic link of another account.',
      'Choose a folder with --state or ROWFERRY_STATE that belongs to you.',
    );
}

function assertSafeAbove(path: string, stat: Stats, trusted: ReadonlySet<number>): void {
  const isOpen = (stat.mode & worldWrites) !== 0 && (stat.mode & sticky) === 0;
  if (!trusted.has(stat.uid))
    throw refusal(
      path,
      'belongs to another account.',
      'Choose a folder with --state or ROWFERRY_STATE whose parents belong to you or to root.',
    );
  if (isOpen)
    throw refusal(
      path,
      'can be written by every account.',
      `Run chmod o-w ${path}, or choose another folder with --state or ROWFERRY_STATE.`,
    );
}

/** `isReached`: whoever the mode lets write can get there. */
function assertOurs(path: string, stat: Stats, uid: number, isReached: boolean): void {
  if (stat.isSymbolicLink()) throw refusal(path, 'is a symbolic link.', `Delete ${path}.`);
  if (stat.uid !== uid)
    throw refusal(
      path,
      'belongs to another account.',
      'Run as the account that owns the folder, or choose a folder of your own with --state or ROWFERRY_STATE.',
    );
  if (isReached && (stat.mode & othersWrite) !== 0)
    throw refusal(
      path,
      'can be written by other accounts.',
      `Look through the folder, then run chmod -R go-w ${path}.`,
    );
}

function refusal(path: string, what: string, remedy: string): RowferryError {
  return new RowferryError('ROW-E105', `The state folder is not private: ${path} ${what}`, { remedy });
}
