import * as vscode from 'vscode';
import type { CheckReport } from '../../shared/check-report.js';
import { RowferryError } from '../../shared/errors.js';
import { formatCount } from '../../shared/format.js';
import type { PrecheckState } from '../../shared/pages.js';
import type { StatementAnswer } from '../../shared/task-control-api.js';
import { logError } from '../base/log.js';
import { asRowferryError, confirmed } from '../base/notifications.js';
import { retell } from '../base/retell.js';
import type { PanelContext, PanelTask } from './task-panel.js';

/**
 * Runs the first statement that an item of a report proposes, once a person has seen it, the server and the account. What
 * the server said, in one sentence; undefined when the person said no.
 */
export async function runProposal(
  { service, session, log }: PanelContext,
  task: PanelTask,
  report: CheckReport,
  check: string,
): Promise<NonNullable<PrecheckState['answer']> | undefined> {
  const { t } = vscode.l10n;
  const statement = report.results.find(({ id }) => id === check)?.statements?.[0];
  const id = task.file()?.task?.id;
  if (report.id === undefined || !report.source || statement === undefined || id === undefined)
    return undefined;
  service.assertTrusted();
  const { user, address } = report.source;
  const isWanted = await confirmed(
    t('Run this statement at {0} as {1}?', address, user),
    `${statement}\n\n${t('It changes the source, for everybody who uses it. Rowferry runs it once, as it stands here.')}`,
    t('Run SQL'),
    t('Do Not Run'),
  );
  if (!isWanted) return undefined;
  try {
    const engine = await session.engine();
    const running = {
      location: vscode.ProgressLocation.Notification,
      title: t('Running SQL at {0}…', address),
    };
    const answer = await vscode.window.withProgress(running, () =>
      engine.runProposal(id, { report: report.id!, check }),
    );
    return { text: said(address, answer), isError: false };
  } catch (thrown) {
    const error = asRowferryError(thrown);
    if (!(error instanceof RowferryError)) throw thrown;
    logError(log, 'run SQL', error);
    return { text: retell(error.message), isError: true };
  }
}

function said(address: string, { affectedRows, warning }: StatementAnswer): string {
  const { t } = vscode.l10n;
  if (warning !== undefined)
    return t('MySQL at {0} ran the statement, with a warning: {1}', address, warning);
  if (affectedRows === 0) return t('MySQL at {0} ran the statement.', address);
  const rows = formatCount(affectedRows, vscode.env.language);
  return t('MySQL at {0} ran the statement: {1} rows affected.', address, rows);
}
