import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { dataFolder, serverFolder } from '../../trial-mysql/folder.js';
import type { InstallProgress } from '../../trial-mysql/install.js';
import type { SourceSettings } from '../../shared/task.js';
import { trialMysqlMirror } from '../base/settings.js';
import type { EngineSession } from '../engine/session.js';
import type { SavedConnections } from './saved-connections.js';

/** Name by which tasks use it: `"source": { "connection": "Trial MySQL" }`. */
export const trialMysqlName = 'Trial MySQL';

/**
 * A MySQL for people who have none: downloaded into one folder of the extension when they ask for it, started by the engine
 * when something uses its connection, and removed whole. The connection is a saved one like any other.
 */
export class TrialMysql {
  constructor(
    private readonly session: EngineSession,
    private readonly saved: SavedConnections,
    readonly folder: string,
  ) {}

  get isInstalled(): boolean {
    return existsSync(serverFolder(this.folder));
  }

  /** Is it there, with the connection that was made for it? One of that name to another machine is the person's own. */
  async isReady(): Promise<boolean> {
    const { sources } = await this.saved.list();
    return this.isInstalled && sources[trialMysqlName]?.host === '127.0.0.1';
  }

  /**
   * Downloads it, makes its data with a password of its own, and saves the connection. What is begun lies under another name
   * and is gone when this throws: ROW-E118, or what `signal` was aborted with.
   */
  async install(progress: (progress: InstallProgress | 'preparing') => void, signal: AbortSignal) {
    const [{ installMysql }, { freePort, makeData, trialMysqlUser }, { sourceSchema }] = await Promise.all([
      import('../../trial-mysql/install.js'),
      import('../../trial-mysql/server.js'),
      import('../../shared/task.js'),
    ]);
    const password = randomBytes(24).toString('base64url');
    if (this.isInstalled) {
      // Its connection was deleted, and the password with it: the data cannot be used any more.
      await (await this.session.engine()).stopTrialMysql();
      await rm(dataFolder(this.folder), { recursive: true, force: true });
      progress('preparing');
      await makeData(this.folder, password);
    } else {
      await this.sweep();
      const unfinished = `${this.folder}.${process.pid}`;
      try {
        await mkdir(serverFolder(unfinished), { recursive: true, mode: 0o700 });
        await installMysql(serverFolder(unfinished), {
          mirror: trialMysqlMirror(),
          signal,
          progress,
        });
        progress('preparing');
        await makeData(unfinished, password);
        signal.throwIfAborted();
        await rename(unfinished, this.folder);
      } finally {
        await rm(unfinished, { recursive: true, force: true });
      }
    }
    const port = await freePort();
    const settings = sourceSchema.parse({ host: '127.0.0.1', port, user: trialMysqlUser, password });
    await this.saved.save('source', trialMysqlName, settings);
  }

  /** What a window that ended in the middle of a download has left. */
  private async sweep(): Promise<void> {
    const parent = dirname(this.folder);
    for (const name of existsSync(parent) ? await readdir(parent) : []) {
      const [, pid] = /^(\d+)$/.exec(name.slice(basename(this.folder).length + 1)) ?? [];
      if (!name.startsWith(`${basename(this.folder)}.`) || pid === undefined) continue;
      if (!isAlive(Number(pid)) || Number(pid) === process.pid)
        await rm(join(parent, name), { recursive: true, force: true });
    }
  }

  /**
   * A saved MySQL connection, secrets included, to be used now: the trial MySQL runs when it is the one. Undefined when there
   * is no such connection. Throws ROW-E118.
   */
  async source(name: string): Promise<SourceSettings | undefined> {
    const settings = await this.saved.resolve('source', name);
    if (!settings || name !== trialMysqlName || !(await this.isReady())) return settings;
    const engine = await this.session.engine();
    const port = await engine.startTrialMysql({ folder: this.folder, port: settings.port });
    if (port === settings.port) return settings;
    const moved = { ...settings, port };
    await this.saved.save('source', trialMysqlName, moved);
    return moved;
  }

  /** Ends it, also for other windows; its data stays. */
  async stop(): Promise<void> {
    await (await this.session.engine()).stopTrialMysql();
  }

  /** Ends it, and takes away the program, the data, the connection and its password. */
  async remove(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
    await this.sweep();
    await this.saved.delete('source', trialMysqlName);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
