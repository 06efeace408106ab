import { spawn, type ChildProcess } from 'node:child_process';
import { freePort, startServer } from '../../trial-mysql/server.js';
import type { Log } from '../base/log.js';

/**
 * The trial MySQL of this person: a child of the engine, so that every window uses the same one and tasks that go on
 * without a window keep their source. It ends with the engine, however that ends.
 */
export class TrialMysqlProcess {
  #running: { child: ChildProcess; port: number; exited: Promise<void> } | undefined;
  #starting: Promise<number> | undefined;

  constructor(private readonly log: Log) {}

  /**
   * Starts the server of `folder` unless one runs. Returns its port: the wanted one, or another when that is taken. Throws
   * ROW-E118.
   */
  start(options: { folder: string; port: number }): Promise<number> {
    this.#starting ??= this.#launch(options).catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  async #launch({ folder, port: wanted }: { folder: string; port: number }): Promise<number> {
    const port = await freePort(wanted);
    const child = await startServer(folder, port);
    const guard = guarded(child);
    const exited = new Promise<void>((settle) =>
      child.once('exit', () => {
        guard.kill('SIGKILL');
        this.#running = undefined;
        this.#starting = undefined;
        this.log.info('trial MySQL: stopped');
        settle();
      }),
    );
    this.#running = { child, port, exited };
    this.log.info(`trial MySQL: 127.0.0.1:${port}`);
    return port;
  }

  /** Returns when it has ended; its data stays. */
  async stop(): Promise<void> {
    await this.#starting?.catch(() => undefined);
    const running = this.#running;
    if (!running) return;
    running.child.kill('SIGTERM');
    const hangs = setTimeout(() => running.child.kill('SIGKILL'), 20_000);
    await running.exited;
    clearTimeout(hangs);
  }
}

/** A shell that ends the server when this process is gone and can no longer do it: its input closes then. */
function guarded({ pid }: ChildProcess): ChildProcess {
  return spawn('sh', ['-c', 'read -r _; kill "$0"', String(pid)], { stdio: ['pipe', 'ignore', 'ignore'] });
}
