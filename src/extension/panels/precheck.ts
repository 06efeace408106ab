import { parse as parseJsonc } from 'jsonc-parser';
import * as vscode from 'vscode';
import { RowferryError } from '../../shared/errors.js';
import {
  precheckCalls,
  type PageProblem,
  type PrecheckHost,
  type PrecheckState,
} from '../../shared/pages.js';
import type { CheckReport } from '../../shared/check-report.js';
import { fixEdits } from '../../shared/task-fix.js';
import type { Task } from '../../shared/task.js';
import { offers } from '../../shared/task-actions.js';
import { parseTask } from '../../shared/task-file.js';
import { logError } from '../base/log.js';
import { asRowferryError, confirmed } from '../base/notifications.js';
import { retell } from '../base/retell.js';
import { runProposal } from './run-proposal.js';
import { applyToDocument } from './task-editor.js';
import { onceConnected, type PanelContext, type PanelKind } from './task-panel.js';

export interface PrecheckKind extends PanelKind<PrecheckHost, PrecheckState> {
  /** Runs the check of a task; its panel, if open, shows it. */
  run(uri: vscode.Uri): Promise<CheckReport>;
}

/** Items of the precheck by status, with what to do; a warning can be accepted once its consequence was read. */
export function precheckKind(context: PanelContext): PrecheckKind {
  const { t } = vscode.l10n;
  const outcomes = new Map<
    string,
    { running: boolean; report: CheckReport | null; problem: PrecheckState['problem'] }
  >();
  const answers = new Map<string, PrecheckState['answer']>();
  const changed = new vscode.EventEmitter<string>();
  const set = (uri: vscode.Uri, outcome: Parameters<typeof outcomes.set>[1]) => {
    outcomes.set(uri.toString(), outcome);
    changed.fire(uri.toString());
  };

  const run = async (uri: vscode.Uri): Promise<CheckReport> => {
    set(uri, { running: true, report: outcomes.get(uri.toString())?.report ?? null, problem: null });
    try {
      const report = await context.service.check(uri);
      set(uri, { running: false, report, problem: null });
      return report;
    } catch (thrown) {
      const error = asRowferryError(thrown);
      logError(context.log, 'precheck', error);
      set(uri, { running: false, report: null, problem: problemOf(error) });
      throw error;
    }
  };

  return {
    name: 'precheck',
    title: (name) => t('Precheck: {0}', name),
    calls: precheckCalls,
    run,
    open(task, tell) {
      const key = task.uri.toString();
      const state = (): PrecheckState => {
        const { running = false, report = null, problem = null } = outcomes.get(key) ?? {};
        const file = task.file();
        const snapshot = file && context.service.snapshotOf(file);
        return {
          name: task.name(),
          running,
          report,
          problem,
          canStart: report?.successRate === 100 && offers(snapshot?.state, 'start'),
          fixable: fixable(report, file?.task),
          answer: answers.get(key) ?? null,
          methods: context.session.methods,
        };
      };
      const subscriptions = vscode.Disposable.from(
        changed.event((of) => {
          if (of === key) tell();
        }),
        context.session.onDidChange(tell),
        // After a reload: the last report, if an engine that runs anyway still has it.
        onceConnected(context, async (engine) => {
          const id = task.file()?.task?.id;
          if (outcomes.has(key) || id === undefined) return;
          const report = await engine.lastCheck(id);
          if (report && !outcomes.has(key)) set(task.uri, { running: false, report, problem: null });
        }),
      );
      const again = async () => {
        answers.delete(key);
        await run(task.uri).catch(() => undefined);
      };
      const itemOf = (id: string) => outcomes.get(key)?.report?.results.find((result) => result.id === id);
      return {
        state,
        dispose: () => subscriptions.dispose(),
        host: {
          again,
          start: async () => {
            await vscode.commands.executeCommand('rowferry.task.start', { uri: task.uri });
          },
          enterSecrets: async (side) => {
            await vscode.commands.executeCommand('rowferry.task.enterSecrets', {
              uri: task.uri,
              side,
              then: 'rowferry.task.check',
            });
          },
          ignore: async (id, ignored) => {
            const item = itemOf(id);
            if (item?.status !== 'warning') return;
            if (
              ignored &&
              !(await confirmed(
                t('Ignore “{0}”?', retell(item.title)),
                retell(item.why),
                t('Accept the Risk'),
              ))
            )
              return;
            await setIgnored(task.uri, id, ignored);
            await again();
          },
          fix: async (id, index) => {
            const fix = itemOf(id)?.fixes?.[index];
            if (!fix) return;
            const document = await vscode.workspace.openTextDocument(task.uri);
            await applyToDocument(document, fixEdits(parseJsonc(document.getText(), [], lenient), fix));
            await again();
          },
          runSql: async (id) => {
            const report = outcomes.get(key)?.report;
            const answer = report && (await runProposal(context, task, report, id));
            if (!answer) return;
            await again();
            // After the check, which takes away what an earlier statement came to.
            answers.set(key, answer);
            changed.fire(key);
          },
          openField: async (id) => {
            const at = itemOf(id)?.at;
            await vscode.commands.executeCommand('rowferry.task.openForm', { uri: task.uri, at });
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

/** Accepted warnings stand in the task file, by their ids. */
async function setIgnored(uri: vscode.Uri, id: string, ignored: boolean): Promise<void> {
  const document = await vscode.workspace.openTextDocument(uri);
  const present = parseTask(document.getText()).value?.ignoredChecks ?? [];
  const next = ignored ? [...new Set([...present, id])] : present.filter((other) => other !== id);
  await applyToDocument(document, [
    { path: ['ignoredChecks'], ...(next.length === 0 ? {} : { value: next }) },
  ]);
  await document.save();
}

const lenient = { allowTrailingComma: true };

/** Which fixes of each item would change the file as it is now. */
function fixable(report: CheckReport | null, task: Task | undefined): PrecheckState['fixable'] {
  const found = (report?.results ?? []).flatMap(({ id, fixes = [] }): [string, number[]][] => {
    const usable = [...fixes.keys()].filter((index) => fixEdits(task, fixes[index]!).length > 0);
    return usable.length === 0 ? [] : [[id, usable]];
  });
  return Object.fromEntries(found);
}

export function problemOf(error: unknown): PageProblem {
  if (error instanceof RowferryError) return error.toPlain();
  if (error instanceof vscode.CancellationError) return { message: vscode.l10n.t('Cancelled.'), remedy: '' };
  return { message: error instanceof Error ? error.message : String(error), remedy: '' };
}
