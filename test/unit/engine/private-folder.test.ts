import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStateDir } from '../../../src/engine/base/paths.js';

let home: string;
let state: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'rowferry-private-'));
  state = join(home, 'state');
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const refused = (why: RegExp, remedy: RegExp = /./, dir = state) => {
  try {
    openStateDir(dir);
  } catch (error) {
    expect(error).toMatchObject({
      code: 'ROW-E105',
      message: expect.stringMatching(why) as string,
      remedy: expect.stringMatching(remedy) as string,
    });
    return;
  }
  throw new Error('the folder was used');
};

describe.skipIf(process.platform === 'win32')('the state folder', () => {
  it('is made for its owner alone, and one that others may only read is used', () => {
    expect(openStateDir(state).dir).toBe(state);
    chmodSync(state, 0o755);
    expect(openStateDir(state).dir).toBe(state);
  });

  it.each([0o777, 0o1777, 0o775, 0o702])('that others may write is refused (%o)', (mode) => {
    mkdirSync(state);
    chmodSync(state, mode);
    refused(/can be written by other accounts/, /chmod -R go-w/);
  });

  it('that holds a file which others may write is refused, where they can get at it', () => {
    openStateDir(state);
    writeFileSync(join(state, 'store.db'), '');
    chmodSync(join(state, 'store.db'), 0o666);
    openStateDir(state);
    chmodSync(state, 0o755);
    refused(/store\.db can be written/);
  });

  it('that is a link, or holds one, is refused', () => {
    mkdirSync(join(home, 'real'));
    symlinkSync(join(home, 'real'), state);
    refused(/is a symbolic link/, /Name the folder itself, .*real/);
    rmSync(state);
    openStateDir(state);
    symlinkSync(join(home, 'real'), join(state, 'store.db'));
    refused(/store\.db is a symbolic link/);
  });

  it('below a folder in which every account may replace it is refused', () => {
    openStateDir(state);
    chmodSync(home, 0o777);
    refused(/can be written by every account/, /chmod o-w/);
    chmodSync(home, 0o1777);
    openStateDir(state);
  });
});

describe.skipIf(process.getuid?.() !== 0)('what another account has made', () => {
  const other = 54_321;

  it('is refused as the state folder, as a file in it, above it, and as a link on the way', () => {
    mkdirSync(state, { mode: 0o700 });
    chownSync(state, other, other);
    refused(/state belongs to another account/, /choose another/);
    chownSync(state, 0, 0);
    writeFileSync(join(state, 'engine.json'), '{}');
    chownSync(join(state, 'engine.json'), other, other);
    refused(/engine\.json belongs to another account/);
    rmSync(join(state, 'engine.json'));
    openStateDir(state);
    chownSync(home, other, other);
    refused(/belongs to another account/, /parents/);
    chownSync(home, 0, 0);
    const link = join(home, 'link');
    symlinkSync(home, link);
    openStateDir(join(link, 'state'));
    lchownSync(link, other, other);
    refused(/link is a symbolic link of another account/, /./, join(link, 'state'));
  });
});
