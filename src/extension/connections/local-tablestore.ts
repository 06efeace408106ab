import * as vscode from 'vscode';
import { RowferryError } from '../../shared/errors.js';
import type { DestinationSettings } from '../../shared/task.js';
import { localTablestorePort } from '../base/settings.js';
import type { EngineSession } from '../engine/session.js';
import { asRowferryError } from '../base/notifications.js';

/** Name by which tasks use it: `"destination": { "connection": "Local Tablestore" }`. */
export const localTablestoreName = 'Local Tablestore';

/**
 * The embedded Tablestore, for trying things without an account: the engine's, so that all windows and the tasks that
 * go on without one use the same. Its data stays in the extension's folder.
 */
export class LocalTablestore implements vscode.Disposable {
  private settings: DestinationSettings | undefined;
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly listening: vscode.Disposable;
  readonly onDidChange = this.changed.event;

  constructor(
    private readonly session: EngineSession,
    private readonly dataDir: string,
  ) {
    this.listening = session.onDidChangeLocalTablestore(() => void this.look());
  }

  /** How to reach it, while it runs. */
  get running(): DestinationSettings | undefined {
    return this.settings;
  }

  /** Starts it unless it runs. Throws ROW-E103 when the port is taken. */
  async start(): Promise<DestinationSettings> {
    const engine = await this.session.engine();
    const port = localTablestorePort();
    try {
      const settings = await engine.startLocalTablestore({ port, data: this.dataDir });
      this.take(settings);
      return settings;
    } catch (thrown) {
      const error = asRowferryError(thrown);
      if (!(error instanceof RowferryError) || error.code !== 'ROW-E103') throw error;
      throw new RowferryError('ROW-E103', error.message, {
        remedy: vscode.l10n.t('Choose another port in the setting rowferry.localTablestore.port.'),
      });
    }
  }

  async stop(): Promise<void> {
    await (await this.session.engine()).stopLocalTablestore();
  }

  /** Asks the engine, if there is one; starts none. */
  private async look(): Promise<void> {
    const known = this.session.connected && this.session.answers('localTablestore');
    const settings = known ? await (await this.session.engine()).localTablestore().catch(() => null) : null;
    this.take(settings ?? undefined);
  }

  private take(settings: DestinationSettings | undefined): void {
    if (JSON.stringify(settings) === JSON.stringify(this.settings)) return;
    this.settings = settings;
    void vscode.commands.executeCommand(
      'setContext',
      'rowferry.localTablestore.running',
      settings !== undefined,
    );
    this.changed.fire();
  }

  dispose(): void {
    this.listening.dispose();
    this.changed.dispose();
  }
}
