import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { FaultRule } from '../../src/local-tablestore/index.js';
import { startCli, type RunningCommand } from '../support/cli.js';
import { freePort } from '../support/mysql-process.mjs';

/** The embedded Tablestore in a process of its own, which can be stopped and killed as no server of a test can. */
export class TablestoreProcess {
  readonly accessKeyId = 'LTSchaos';
  readonly accessKeySecret = 'the secret of the chaos';

  private constructor(
    private readonly folder: string,
    private readonly port: number,
    private command: RunningCommand,
  ) {}

  /** Keeps its rows in the folder "data" of `folder`. */
  static async start(folder: string): Promise<TablestoreProcess> {
    const port = await freePort();
    const store = new TablestoreProcess(folder, port, undefined as never);
    await store.launch();
    return store;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.command.child.pid!;
  }

  async setFaults(rules: FaultRule[]): Promise<void> {
    const answer = await fetch(`${this.url}/-/faults`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${this.accessKeySecret}` },
      body: JSON.stringify(rules),
    });
    if (!answer.ok) throw new Error(`the faults were not taken: ${await answer.text()}`);
  }

  /** SIGKILL, and a new process on the same data and port. */
  async restart(): Promise<void> {
    await this.end();
    await this.launch();
  }

  async end(): Promise<void> {
    this.command.child.kill('SIGKILL');
    await this.command.ended;
  }

  private async launch(): Promise<void> {
    const { folder, port, accessKeyId, accessKeySecret } = this;
    this.command = startCli(
      ['tablestore', '--port', String(port), '--data', 'data', '--access-key-id', accessKeyId],
      { cwd: folder, env: { OTS_SECRET: accessKeySecret } },
    );
    const deadline = Date.now() + 30_000;
    while (!(await answers(port))) {
      if (this.command.child.exitCode !== null || Date.now() > deadline)
        throw new Error(`the Tablestore does not start: ${(await this.command.ended).stderr}`);
      await delay(50);
    }
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => settle(false));
    socket.once('connect', () => {
      socket.destroy();
      settle(true);
    });
  });
}
