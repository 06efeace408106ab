import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import * as vscode from 'vscode';
import { RowferryError } from '../../shared/errors.js';
import { destinationSchema, type DestinationSettings } from '../../shared/task.js';
import type { Log } from '../log.js';

/** Name by which tasks use it: `"destination": { "connection": "Local Tablestore" }`. */
export const localTablestoreName = 'Local Tablestore';

/**
 * The embedded Tablestore as a child of this window, for trying things without an account. Its data stays in the
 * extension's folder; it ends with the window.
 */
export class LocalTablestore implements vscode.Disposable {
  private child: ChildProcess | undefined;
  private starting: Promise<DestinationSettings> | undefined;
  private settings: DestinationSettings | undefined;
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;

  constructor(
    private readonly cliScript: string,
    private readonly dataDir: string,
    private readonly log: Log,
  ) {}

  /** How to reach it, while it runs. */
  get running(): DestinationSettings | undefined {
    return this.settings;
  }

  /** Starts it unless it runs. Throws ROW-E103 when the port is taken. */
  start(): Promise<DestinationSettings> {
    this.starting ??= this.launch().catch((error: unknown) => {
      this.starting = undefined;
      throw error;
    });
    return this.starting;
  }

  private launch(): Promise<DestinationSettings> {
    const port = vscode.workspace.getConfiguration('rowferry').get('localTablestore.port', 8087);
    const child = spawn(
      process.execPath,
      [this.cliScript, 'tablestore', '--port', String(port), '--data', this.dataDir],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        windowsHide: true,
        env: { ...process.env, ...(process.versions['electron'] ? { ELECTRON_RUN_AS_NODE: '1' } : {}) },
      },
    );
    this.child = child;
    return new Promise((settle, fail) => {
      const said = new Map<string, string>();
      let lastError = '';
      createInterface({ input: child.stdout }).on('line', (line) => {
        const [, key, value] =
          /^(listening on|instance:|access key id:|access key secret:)\s+(.+)$/.exec(line) ?? [];
        if (key === undefined || value === undefined) return;
        said.set(key, value);
        if (said.size < 4 || this.settings) return;
        this.settings = destinationSchema.parse({
          endpoint: said.get('listening on'),
          instance: said.get('instance:'),
          accessKeyId: said.get('access key id:'),
          accessKeySecret: said.get('access key secret:'),
        });
        this.log.info(`Local Tablestore: ${this.settings.endpoint}`);
        settle(this.settings);
        this.tell();
      });
      createInterface({ input: child.stderr }).on('line', (line) => {
        if (line.trim() !== '') lastError ||= line;
        this.log.warn(`Local Tablestore: ${line}`);
      });
      child.once('error', (error) => fail(new RowferryError('ROW-E103', error.message)));
      child.once('exit', (code, signal) => {
        fail(
          new RowferryError('ROW-E103', lastError || `Local Tablestore ended (${signal ?? code}).`, {
            remedy: vscode.l10n.t('Choose another port in the setting rowferry.localTablestore.port.'),
          }),
        );
        this.child = undefined;
        this.starting = undefined;
        this.settings = undefined;
        this.tell();
      });
    });
  }

  private tell(): void {
    void vscode.commands.executeCommand(
      'setContext',
      'rowferry.localTablestore.running',
      this.settings !== undefined,
    );
    this.changed.fire();
  }

  async stop(): Promise<void> {
    const child = this.child;
    if (!child) return;
    const ended = new Promise((settle) => child.once('exit', settle));
    child.kill('SIGTERM');
    await ended;
  }

  dispose(): void {
    this.child?.kill('SIGTERM');
    this.changed.dispose();
  }
}
