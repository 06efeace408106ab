import * as vscode from 'vscode';
import { RowferryError } from '../../shared/errors.js';
import { formatCount } from '../../shared/format.js';
import { dirtyCalls, type DirtyHost, type DirtyState } from '../../shared/pages.js';
import type { DirtyRecord, RetryProgress, TaskControlApi } from '../../shared/task-control-api.js';
import { csv } from './csv.js';
import type { PanelContext, PanelKind } from './task-panel.js';
import { confirmed } from '../base/notifications.js';

const exportPage = 1000;

/** Rows that could not be written: looked at, retried, discarded, exported. Pages are read when they are shown. */
export function dirtyKind(context: PanelContext): PanelKind<DirtyHost, DirtyState> {
  const { session, service } = context;
  const { t } = vscode.l10n;
  return {
    name: 'dirty',
    title: (name) => t('Dirty data: {0}', name),
    calls: dirtyCalls,
    open(task, tell) {
      let revision = 0;
      let retrying: RetryProgress | null = null;
      let lastCount = -1;
      const state = (): DirtyState => {
        const file = task.file();
        const snapshot = file && service.snapshotOf(file);
        if (snapshot && snapshot.dirty !== lastCount) {
          lastCount = snapshot.dirty;
          revision++;
        }
        return {
          name: task.name(),
          sources: snapshot?.tables.map(({ source }) => source) ?? [],
          revision,
          blocked: snapshot?.state === 'blocked',
          retrying,
          methods: session.methods,
        };
      };
      const listening = vscode.Disposable.from(
        session.onDidChange(tell),
        session.onRetryProgress(({ id, progress }) => {
          if (id !== known()) return;
          retrying = progress.over ? null : progress;
          tell();
        }),
        // Nobody tells the end of it any more.
        session.onDidLose(() => (retrying = null)),
      );
      const known = () => {
        const file = task.file();
        return (file && service.snapshotOf(file)?.id) ?? file?.task?.id;
      };
      const id = () => {
        const found = known();
        if (found === undefined) throw new RowferryError('ROW-E109', t('The task is not running.'));
        return found;
      };
      const engine = async (method: keyof TaskControlApi) => {
        const api = await session.engine();
        if (!session.answers(method))
          throw new RowferryError('ROW-E108', t('The running engine does not support this.'));
        return api;
      };
      const changed = (count: number) => {
        revision++;
        tell();
        return count;
      };
      return {
        state,
        dispose: () => listening.dispose(),
        host: {
          page: async (filter, page) =>
            known() === undefined
              ? { total: 0, codes: [], records: [] }
              : (await engine('dirtyRecords')).dirtyRecords(id(), filter, page),
          retry: async (filter) => changed(await service.retryDirty(task.uri, filter)),
          cancelRetry: () => service.cancelRetry(id()),
          discard: async (filter) => {
            const api = await engine('discardDirty');
            const { total } = await api.dirtyRecords(id(), filter, { offset: 0, limit: 1 });
            const isMeant = await confirmed(
              total === 1
                ? t('Discard 1 record?')
                : t('Discard {0} records?', formatCount(total, vscode.env.language)),
              t('Their rows stay unwritten. A verification reports them as missing or different.'),
              t('Discard'),
              t('Keep'),
            );
            return isMeant ? changed(await api.discardDirty(id(), filter)) : 0;
          },
          exportAs: async (format, filter) => {
            const api = await engine('dirtyRecords');
            const target = await vscode.window.showSaveDialog({
              defaultUri: vscode.Uri.joinPath(task.uri, '..', `${task.name()}-dirty.${format}`),
              filters: { [format.toUpperCase()]: [format] },
            });
            if (!target) return;
            const records = await vscode.window.withProgress(
              {
                location: vscode.ProgressLocation.Notification,
                title: t('Exporting dirty data of {0}', task.name()),
                cancellable: true,
              },
              async (_, cancelled) => {
                const all: DirtyRecord[] = [];
                for (;;) {
                  if (cancelled.isCancellationRequested) throw new vscode.CancellationError();
                  const page = { offset: all.length, limit: exportPage };
                  const { records } = await api.dirtyRecords(id(), filter, page);
                  all.push(...records);
                  if (records.length < exportPage) return all;
                }
              },
            );
            const text = format === 'json' ? `${JSON.stringify(records, null, 2)}\n` : csv(records);
            await vscode.workspace.fs.writeFile(target, Buffer.from(text));
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
