import * as vscode from 'vscode';
import { parseTask } from '../../shared/task-file.js';
import type { EngineSession } from '../engine/session.js';
import type { TaskService } from '../tasks/task-service.js';

/** Precheck | Start | Stop | Verify | Monitor above the text of a task; only what can be done now is offered. */
export class TaskLenses implements vscode.CodeLensProvider {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.changed.event;
  private readonly subscription: vscode.Disposable;
  private shown = '';

  constructor(
    private readonly service: TaskService,
    session: EngineSession,
  ) {
    // Snapshots come every second; lenses are drawn again only when the words or what can be done are others.
    this.subscription = session.onDidChange(() => {
      const states = [
        session.isLooking,
        ...[...session.snapshots.values()].map(({ id, state }) => `${id} ${state}`),
      ].join();
      if (states === this.shown) return;
      this.shown = states;
      this.changed.fire();
    });
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const { t } = vscode.l10n;
    const { value: task, issues } = parseTask(document.getText());
    const { uri } = document;
    const look = this.service.lookOf({ uri, ...(task ? { task } : {}) }, issues.length === 0);
    const top = new vscode.Range(0, 0, 0, 0);
    const lens = (title: string, command: string, tooltip: string) =>
      new vscode.CodeLens(top, {
        title,
        command: `rowferry.task.${command}`,
        tooltip,
        arguments: [{ uri }],
      });
    return [
      ...(task
        ? [lens(`$(checklist) ${t('Precheck')}`, 'check', t('Save the task and run the precheck'))]
        : []),
      ...(look.canStart ? [lens(`$(play) ${t('Start')}`, 'start', t('Start the task'))] : []),
      ...(look.canStop
        ? [
            lens(
              `$(debug-stop) ${t('Stop')}`,
              'stop',
              t('Stop safely; the next start continues from the checkpoint'),
            ),
          ]
        : []),
      ...(task
        ? [
            lens(
              `$(compare-changes) ${t('Verify')}`,
              'verify',
              t('Compare source and destination row by row'),
            ),
          ]
        : []),
      lens(`$(graph-line) ${t('Monitor')}`, 'monitor', t('Progress, speed and latency')),
      lens(`$(list-flat) ${t('Form')}`, 'openForm', t('Edit this task in a form')),
    ];
  }

  dispose(): void {
    this.subscription.dispose();
    this.changed.dispose();
  }
}
