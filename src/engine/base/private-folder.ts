import { lstatSync, readFileSync, readdirSync, realpathSync, statSync, type Stats } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { RowferryError } from '../../shared/errors.js';

/** Bits of a mode: the group or others may write. */
const othersWrite = 0o022;
const othersEnter = 0o011;
const worldWrites = 0o002;
const sticky = 0o1000;

type Refuse = (path: string, what: string, remedy: string) => RowferryError;

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
  const refuse: Refuse = (path, what, remedy) =>
    new RowferryError('ROW-E105', `The state folder ${named} cannot be used: ${path} ${what}`, { remedy });
  for (const path of [...foldersAbove(named), named])
    assertNoForeignLink(path, path === named ? uid : null, trusted, refuse);
  const real = realpathSync(named);
  for (const path of foldersAbove(real)) assertSafeAbove(path, statSync(path), trusted, refuse);
  const folderStat = statSync(real);
  assertOurs(real, folderStat, uid, true, refuse);
  const isEntered = (folderStat.mode & othersEnter) !== 0;
  for (const name of readdirSync(real)) {
    const stat = lstatSync(join(real, name), { throwIfNoEntry: false });
    if (stat) assertOurs(join(real, name), stat, uid, isEntered, refuse);
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

/**
 * The system's own links (/tmp of macOS, the folders of systemd) and those of this account on the way lead where we mean;
 * the folder itself is no link of this account.
 */
function assertNoForeignLink(
  path: string,
  owner: number | null,
  trusted: ReadonlySet<number>,
  refuse: Refuse,
): void {
  const stat = lstatSync(path);
  if (!stat.isSymbolicLink()) return;
  if (stat.uid === owner)
    throw refuse(
      path,
      'is a symbolic link.',
      `Name the folder itself, ${realpathSync(path)}, or choose another with --state.`,
    );
  if (!trusted.has(stat.uid))
    throw refuse(
      path,
      'is a symbolic link of another account.',
      'Delete the link, or choose another with --state or ROWFERRY_STATE.',
    );
}

function assertSafeAbove(path: string, stat: Stats, trusted: ReadonlySet<number>, refuse: Refuse): void {
  const isOpen = (stat.mode & worldWrites) !== 0 && (stat.mode & sticky) === 0;
  if (!trusted.has(stat.uid))
    throw refuse(
      path,
      'belongs to another account.',
      'Use one whose parents belong to you or to root: choose another with --state or ROWFERRY_STATE.',
    );
  if (isOpen)
    throw refuse(
      path,
      'can be written by every account.',
      `Run chmod o-w ${path}, or choose another with --state or ROWFERRY_STATE.`,
    );
}

/** `isReached`: whoever the mode lets write can get there. */
function assertOurs(path: string, stat: Stats, uid: number, isReached: boolean, refuse: Refuse): void {
  if (stat.isSymbolicLink())
    throw refuse(
      path,
      'is a symbolic link.',
      `Delete ${path}, or choose another with --state or ROWFERRY_STATE.`,
    );
  if (stat.uid !== uid)
    throw refuse(
      path,
      'belongs to another account.',
      'Run as the account that owns the folder, or choose another with --state or ROWFERRY_STATE.',
    );
  if (isReached && (stat.mode & othersWrite) !== 0)
    throw refuse(
      path,
      'can be written by other accounts.',
      `Look through the folder, then run chmod -R go-w ${path}; or choose another with --state.`,
    );
}
