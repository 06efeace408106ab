import * as vscode from 'vscode';
import { RowferryError } from '../../shared/errors.js';
import { formatCount } from '../../shared/format.js';
import { verifyCalls, type VerifyHost, type VerifyState } from '../../shared/pages.js';
import type { VerifyProgress, VerifyReport } from '../../shared/verify-report.js';
import { logError } from '../base/log.js';
import { asRowferryError, confirmed } from '../base/notifications.js';
import { problemOf } from './precheck.js';
import { onceConnected, type PanelContext, type PanelKind } from './task-panel.js';

export interface VerifyKind extends PanelKind<VerifyHost, VerifyState> {
  /** Compares every row of a task; its panel, if open, shows how far it is. */
  run(uri: vscode.Uri): Promise<VerifyReport>;
}

interface Outcome extends Omit<VerifyState, 'name' | 'progress' | 'canCancel'> {
  progress: Map<string, VerifyProgress>;
  /** While it runs. */
  cancel?: vscode.CancellationTokenSource;
}

const nothing: Outcome = {
  running: false,
  progress: new Map(),
  report: null,
  finishedMs: null,
  repaired: false,
  problem: null,
};

/** Counts per table while rows are compared, and the rows that differ. */
export function verifyKind(context: PanelContext): VerifyKind {
  const outcomes = new Map<string, Outcome>();
  const runs = new Map<string, Promise<VerifyReport>>();
  const changed = new vscode.EventEmitter<string>();

  /** Asked again while it compares, it is the same comparison. */
  const run = (uri: vscode.Uri, repair = false): Promise<VerifyReport> => {
    const key = uri.toString();
    const running = runs.get(key) ?? compare(uri, key, repair).finally(() => runs.delete(key));
    runs.set(key, running);
    return running;
  };

  const compare = async (uri: vscode.Uri, key: string, repair: boolean): Promise<VerifyReport> => {
    const outcome = {
      ...nothing,
      running: true,
      progress: new Map<string, VerifyProgress>(),
      cancel: new vscode.CancellationTokenSource(),
    };
    outcomes.set(key, outcome);
    changed.fire(key);
    const listening = context.session.onVerifyProgress((said) => {
      if (said.id !== context.files.get(uri)?.task?.id) return;
      outcome.progress.set(said.progress.table, said.progress);
      changed.fire(key);
    });
    try {
      outcome.report = await context.service.verify(uri, { repair }, outcome.cancel.token);
      outcome.finishedMs = Date.now();
      outcome.repaired = repair;
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
        const { progress, cancel: _, ...outcome } = outcomes.get(key) ?? nothing;
        return {
          ...outcome,
          name: task.name(),
          progress: [...progress.values()],
          canCancel: context.session.answers('cancelVerify'),
        };
      };
      const subscriptions = vscode.Disposable.from(
        changed.event((of) => {
          if (of === key) tell();
        }),
        // After a reload: the last report, if an engine that runs anyway still has it.
        onceConnected(context, async (engine) => {
          const id = task.file()?.task?.id;
          if (outcomes.has(key) || id === undefined || !context.session.answers('lastVerify')) return;
          const last = await engine.lastVerify(id);
          if (!last || outcomes.has(key)) return;
          const { report, atMs, repaired } = last;
          outcomes.set(key, { ...nothing, report, finishedMs: atMs, repaired });
          changed.fire(key);
        }),
      );
      return {
        state,
        dispose: () => subscriptions.dispose(),
        host: {
          again: async () => {
            await run(task.uri).catch(() => undefined);
          },
          repair: async () => {
            const { report } = outcomes.get(key) ?? nothing;
            if (!report || report.differing === 0 || !(await confirmRepair(report.differing))) return;
            await run(task.uri, true).catch(() => undefined);
          },
          cancel: () => Promise.resolve(outcomes.get(key)?.cancel?.cancel()),
          copy: (text) => Promise.resolve(vscode.env.clipboard.writeText(text)),
          openTask: async () => {
            await vscode.commands.executeCommand('rowferry.task.openForm', { uri: task.uri });
          },
        },
      };
    },
  };
}

function confirmRepair(rows: number): Promise<boolean> {
  const { t } = vscode.l10n;
  return confirmed(
    rows === 1
      ? t('Repair 1 row in Tablestore?')
      : t('Repair {0} rows in Tablestore?', formatCount(rows, vscode.env.language)),
    t(
      'Rowferry compares everything again, writes missing and different rows from the source, and deletes rows that the source does not have.',
    ),
    t('Repair'),
  );
}
