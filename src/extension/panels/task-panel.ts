import * as vscode from 'vscode';
import type { CallSchemasOf } from '../../shared/call-arguments.js';
import type { Engine, EngineSession } from '../engine/session.js';
import { logError, type Log } from '../base/log.js';
import type { TaskFile, TaskFiles } from '../tasks/task-files.js';
import type { TaskService } from '../tasks/task-service.js';
import { Page } from './page.js';
import { panelViewType, type PanelName } from './view-types.js';

export interface PanelContext {
  extensionUri: vscode.Uri;
  files: TaskFiles;
  session: EngineSession;
  service: TaskService;
  log: Log;
}

/** What a kind of panel is: its page, and what makes its states. */
export interface PanelKind<Host extends object, State> {
  /** Page under webview/. */
  name: PanelName;
  title: (task: string) => string;
  calls: CallSchemasOf<Host>;
  /** Called once a panel; `changed` may be called any time until `dispose`, and `state` when it can be seen. */
  open(task: PanelTask, changed: () => void): PanelContent<Host, State>;
}

interface PanelContent<Host extends object, State> {
  host: Omit<Host, 'ready'>;
  state(): State;
  dispose(): void;
}

/** The task of a panel, as it is now. */
export interface PanelTask {
  readonly uri: vscode.Uri;
  file(): TaskFile | undefined;
  name(): string;
}

/**
 * Asks once, as soon as there is an engine to ask; none is started for it. After a reload a panel is there before
 * this window has found the engine that still runs.
 */
export function onceConnected(
  { session, log }: PanelContext,
  ask: (engine: Engine) => Promise<void>,
): vscode.Disposable {
  let asked = false;
  const look = () => {
    if (asked || !session.connected) return;
    asked = true;
    void session
      .engine()
      .then(ask)
      .catch((error: unknown) => logError(log, 'panel', error));
  };
  look();
  return session.onDidChange(look);
}

/** Panels of one kind, one a task; they come back after a reload. */
export class TaskPanels<Host extends object, State> implements vscode.Disposable {
  private readonly open = new Map<string, vscode.WebviewPanel>();

  constructor(
    private readonly context: PanelContext,
    private readonly kind: PanelKind<Host, State>,
  ) {}

  /** After a reload of the window: the editor gives back the panel and what was kept for its page. */
  async restore(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const uri = (state as { uri?: unknown } | null)?.uri;
    if (typeof uri !== 'string') panel.dispose();
    else {
      await this.context.files.ready;
      this.fill(panel, vscode.Uri.parse(uri));
    }
  }

  /** Shows the panel of a task, made when there is none. */
  reveal(uri: vscode.Uri): void {
    const there = this.open.get(uri.toString());
    if (there) {
      there.reveal();
      return;
    }
    const viewType = panelViewType(this.kind.name);
    this.fill(vscode.window.createWebviewPanel(viewType, '', vscode.ViewColumn.Active), uri);
  }

  private fill(panel: vscode.WebviewPanel, uri: vscode.Uri): void {
    const { context, kind } = this;
    const task: PanelTask = {
      uri,
      file: () => context.files.get(uri),
      name: () => context.files.get(uri)?.name ?? vscode.workspace.asRelativePath(uri),
    };
    panel.title = kind.title(task.name());
    panel.iconPath = vscode.Uri.joinPath(context.extensionUri, 'media', 'panel.svg');
    const content = kind.open(task, () => page.update(content.state));
    const page = new Page<Host, State>(panel, {
      extensionUri: context.extensionUri,
      name: kind.name,
      calls: kind.calls,
      host: content.host,
      log: context.log,
      restore: { uri: uri.toString() },
    });
    page.update(content.state);
    this.open.set(uri.toString(), panel);
    panel.onDidDispose(() => {
      this.open.delete(uri.toString());
      content.dispose();
      page.dispose();
    });
  }

  dispose(): void {
    for (const panel of this.open.values()) panel.dispose();
  }
}
