import * as vscode from 'vscode';
import { formatCount } from '../../shared/format.js';
import { RowferryError } from '../../shared/errors.js';
import type { EngineSession } from '../engine/session.js';
import type { TaskFile } from './task-files.js';
import type { TaskService } from './task-service.js';

/**
 * Retries all dirty rows of a task in sight of the person: how far it is, and a way to end it. false: it was ended; what
 * was written by then stays. Throws what TaskService.retryDirty() throws.
 */
export async function watchedRetry(
  { service, session }: { service: TaskService; session: EngineSession },
  file: TaskFile,
  id: string,
): Promise<boolean> {
  const { t } = vscode.l10n;
  const { language } = vscode.env;
  return vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: t('Retrying dirty rows of {0}', file.name),
      cancellable: session.answers('cancelRetry'),
    },
    async (bar, cancelled) => {
      let told = 0;
      const listening = vscode.Disposable.from(
        cancelled.onCancellationRequested(() => void service.cancelRetry(id).catch(() => undefined)),
        session.onRetryProgress(({ id: of, progress: { done, total } }) => {
          if (of !== id || total === 0) return;
          const increment = ((done - told) * 100) / total;
          told = done;
          const message = t(
            '{0} of {1} records retried',
            formatCount(done, language),
            formatCount(total, language),
          );
          bar.report({ message, increment });
        }),
      );
      try {
        await service.retryDirty(file.uri, {});
        return true;
      } catch (error) {
        if (error instanceof RowferryError && error.code === 'ROW-E111') return false;
        throw error;
      } finally {
        listening.dispose();
      }
    },
  );
}
