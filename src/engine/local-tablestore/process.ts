import { spawn, type ChildProcess } from 'node:child_process';
import { RowferryError, type PlainError } from '../../shared/errors.js';
import { destinationSchema, type DestinationSettings } from '../../shared/task.js';
import type { Log } from '../base/log.js';

/** What the child says, once. */
export type LocalTablestoreMessage = { settings: unknown } | { error: PlainError };

/**
 * The Local Tablestore of a state folder: a child of the engine, so that every window uses the same one and tasks that
 * go on without a window keep their destination. It ends with the engine.
 */
export class LocalTablestoreProcess {
  #child: ChildProcess | undefined;
  #starting: Promise<DestinationSettings> | undefined;
  #running: DestinationSettings | null = null;

  /** `script`: absolute path of local-tablestore.mjs. `changed` is called whenever it runs or runs no more. */
  constructor(
    private readonly script: string,
    private readonly log: Log,
    private readonly changed: () => void,
  ) {}

  /** How to reach it, keys included; null while it does not run. */
  get running(): DestinationSettings | null {
    return this.#running;
  }

  /**
   * Starts it unless it runs; then port and folder are those it was started with. Throws ROW-E103 (port in use),
   * ROW-E110 (folder unusable), ROW-E101 (another process serves the folder).
   */
  start(options: { port: number; data: string }): Promise<DestinationSettings> {
    this.#starting ??= this.#launch(options).catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  #launch({ port, data }: { port: number; data: string }): Promise<DestinationSettings> {
    const child = spawn(process.execPath, [this.script, String(port), data], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      windowsHide: true,
    });
    this.#child = child;
    return new Promise((settle, fail) => {
      child.once('message', (message: LocalTablestoreMessage) => {
        if ('error' in message) {
          fail(RowferryError.fromPlain(message.error));
          return;
        }
        this.#running = destinationSchema.parse(message.settings);
        this.log.info(`Local Tablestore: ${this.#running.endpoint}`);
        settle(this.#running);
        this.changed();
      });
      child.once('error', (error) => fail(new RowferryError('ROW-E104', error.message)));
      child.once('exit', (code, signal) => {
        fail(new RowferryError('ROW-E104', `The Local Tablestore exited (${signal ?? code}).`));
        this.#child = undefined;
        this.#starting = undefined;
        if (this.#running === null) return;
        this.#running = null;
        this.log.info('Local Tablestore: stopped');
        this.changed();
      });
    });
  }

  /** Returns when it has ended; its data stays. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const ended = new Promise((settle) => child.once('exit', settle));
    if (child.connected) child.disconnect();
    else child.kill();
    await ended;
  }
}
