import * as vscode from 'vscode';
import type { EngineSession } from '../engine/session.js';
import { keepsRunning, showsStatusBar } from '../base/settings.js';
import { retold } from '../../shared/retelling.js';
import { statusWords } from '../../shared/snapshot-words.js';
import { retell } from '../base/retell.js';

/** The one status-bar item: what runs and what waits for the person. Gone when nothing does. */
export class StatusBar implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem('tasks', vscode.StatusBarAlignment.Left, 10);
  private readonly disposables: vscode.Disposable[];

  constructor(private readonly session: EngineSession) {
    this.item.name = vscode.l10n.t('Rowferry tasks');
    this.item.command = 'rowferry.tasks.attend';
    this.disposables = [
      this.item,
      session.onDidChange(() => this.update()),
      vscode.workspace.onDidChangeConfiguration((e) => {
        if (e.affectsConfiguration('rowferry')) this.update();
      }),
    ];
    this.update();
  }

  private update(): void {
    const words = statusWords(
      retold([...this.session.snapshots.values()], retell),
      vscode.l10n.t,
      vscode.env.language,
    );
    if (!showsStatusBar() || !words) {
      this.item.hide();
      return;
    }
    this.item.text = words.text;
    const { t } = vscode.l10n;
    const closing = keepsRunning()
      ? t('Tasks keep running after the last window closes.')
      : t(
          'Tasks stop safely when the last window closes, and continue from their checkpoint when you start them again.',
        );
    this.item.tooltip = [...words.lines, '', closing].join('\n');
    this.item.accessibilityInformation = { label: `Rowferry: ${words.lines.join(', ')}` };
    this.item.backgroundColor =
      words.severity === 'none'
        ? undefined
        : new vscode.ThemeColor(`statusBarItem.${words.severity}Background`);
    this.item.show();
  }

  dispose(): void {
    vscode.Disposable.from(...this.disposables).dispose();
  }
}
