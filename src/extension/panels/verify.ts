import * as vscode from 'vscode';
import { RowferryError } from '../../shared/errors.js';
import { verifyCalls, type VerifyHost, type VerifyState } from '../../shared/pages.js';
import type { VerifyProgress, VerifyReport } from '../../shared/protocol.js';
import { logError } from '../log.js';
import { asRowferryError } from '../notifications.js';
import { problemOf } from './precheck.js';
import type { PanelContext, PanelKind } from './task-panel.js';

export interface VerifyKind extends PanelKind<VerifyHost, VerifyState> {
  /** Compares every row of a task; its panel, if open, shows how far it is. */
  run(uri: vscode.Uri): Promise<VerifyReport>;
}

interface Outcome {
  running: boolean;
  progress: Map<string, VerifyProgress>;
  report: VerifyReport | null;
  finishedMs: number | null;
  problem: VerifyState['problem'];
}

/** Counts per table while rows are compared, and the rows that differ. */
export function verifyKind(context: PanelContext): VerifyKind {
  const outcomes = new Map<string, Outcome>();
  const runs = new Map<string, Promise<VerifyReport>>();
  const changed = new vscode.EventEmitter<string>();

  /** Asked again while it compares, it is the same comparison. */
  const run = (uri: vscode.Uri): Promise<VerifyReport> => {
    const key = uri.toString();
    const running = runs.get(key) ?? compare(uri, key).finally(() => runs.delete(key));
    runs.set(key, running);
    return running;
  };

  const compare = async (uri: vscode.Uri, key: string): Promise<VerifyReport> => {
    const outcome: Outcome = {
      running: true,
      progress: new Map(),
      report: null,
      finishedMs: null,
      problem: null,
    };
    outcomes.set(key, outcome);
    changed.fire(key);
    const listening = context.session.onVerifyProgress((said) => {
      if (said.id !== context.files.get(uri)?.task?.id) return;
      outcome.progress.set(said.progress.table, said.progress);
      changed.fire(key);
    });
    try {
      outcome.report = await context.service.verify(uri);
      outcome.finishedMs = Date.now();
      return outcome.report;
    } catch (thrown) {
      const known = asRowferryError(thrown);
      const cancelled = known instanceof RowferryError && known.code === 'ROW-E111';
      const error = cancelled ? new vscode.CancellationError() : known;
      if (!cancelled) logError(context.log, 'verify', error);
      outcome.problem = problemOf(error);
      throw error;
    } finally {
      listening.dispose();
      outcome.running = false;
      changed.fire(key);
    }
  };

  return {
    name: 'verify',
    title: (name) => vscode.l10n.t('Verify: {0}', name),
    calls: verifyCalls,
    run,
    open(task, tell) {
      const key = task.uri.toString();
      const state = (): VerifyState => {
        const outcome = outcomes.get(key);
        return {
          name: task.name(),
          running: outcome?.running ?? false,
          progress: [...(outcome?.progress.values() ?? [])],
          report: outcome?.report ?? null,
          finishedMs: outcome?.finishedMs ?? null,
          canCancel: context.session.answers('cancelVerify'),
          problem: outcome?.problem ?? null,
        };
      };
      const listening = changed.event((of) => {
        if (of === key) tell();
      });
      return {
        state,
        dispose: () => listening.dispose(),
        host: {
          again: async () => {
            await run(task.uri).catch(() => undefined);
          },
          cancel: async () => {
            const id = task.file()?.task?.id;
            if (id === undefined || !context.session.answers('cancelVerify')) return;
            await (await context.session.engine()).cancelVerify(id);
          },
          copy: (text) => Promise.resolve(vscode.env.clipboard.writeText(text)),
          openTask: async () => {
            await vscode.commands.executeCommand('rowferry.task.openForm', { uri: task.uri });
          },
        },
      };
    },
  };
}
