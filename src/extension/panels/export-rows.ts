import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { RowferryError } from '../../shared/errors.js';
import { formatCount } from '../../shared/format.js';
import type { RowFormat, ShownRows } from '../../shared/pages.js';
import { inform, warn } from '../base/notifications.js';
import { rowLines } from './row-lines.js';

export interface RowExport {
  table: string;
  format: RowFormat;
  isSparse: boolean;
  /** Beside which the file is offered to be put. */
  folder: vscode.Uri | undefined;
  /** Rows there may be; null: nobody knows. */
  expected: (first: ShownRows) => number | null;
  /** `from`: the `next` of the page before. */
  page: (from: string | undefined) => Promise<ShownRows>;
}

/**
 * Rows, page by page, into a file that the person chooses. The file is there when all of it is: until then, and when it is
 * cancelled, what was there before stays. Throws CancellationError, and what `page` throws.
 */
export async function exportRowsTo({
  table,
  format,
  isSparse,
  folder,
  expected,
  page,
}: RowExport): Promise<void> {
  const { t } = vscode.l10n;
  const name = `${table.replaceAll(/[^\p{L}\p{N}._-]+/gu, '_')}.${format}`;
  const target = await vscode.window.showSaveDialog({
    defaultUri: folder ? vscode.Uri.joinPath(folder, name) : vscode.Uri.file(name),
    filters: format === 'csv' ? { CSV: ['csv'] } : { 'JSON Lines': ['jsonl'] },
  });
  if (!target) return;
  const part =
    target.scheme === 'file' ? `${target.fsPath}.${randomUUID()}.part` : join(tmpdir(), randomUUID());
  try {
    const { count, isCut } = await vscode.window.withProgress(
      {
        location: vscode.ProgressLocation.Notification,
        title: t('Exporting rows of {0}', table),
        cancellable: true,
      },
      (progress, cancelled) =>
        writePages(part, cancelled, { format, isSparse, page }, (done, first) => {
          const all = expected(first);
          const message = t('{0} rows', formatCount(done, vscode.env.language));
          const increment = all === null || all <= 0 ? {} : { increment: (first.rows.length * 100) / all };
          progress.report({ message, ...increment });
        }),
    );
    await vscode.workspace.fs.rename(vscode.Uri.file(part), target, { overwrite: true });
    const rows = formatCount(count, vscode.env.language);
    const file = vscode.workspace.asRelativePath(target);
    if (isCut)
      void warn(
        t('{0} is not complete: the table has no key to follow, and {1} rows were exported.', file, rows),
      );
    else void inform(t('{0} rows exported to {1}.', rows, file));
  } finally {
    await rm(part, { force: true });
  }
}

async function writePages(
  file: string,
  cancelled: vscode.CancellationToken,
  { format, isSparse, page }: Pick<RowExport, 'format' | 'isSparse' | 'page'>,
  tell: (done: number, page: ShownRows) => void,
): Promise<{ count: number; isCut: boolean }> {
  const stream = createWriteStream(file, { flags: 'wx', mode: 0o600 });
  const failed = new Promise<never>((_, reject) => stream.on('error', reject));
  failed.catch(() => undefined);
  try {
    let count = 0;
    let columns: string[] | undefined;
    for (let from: string | undefined; ;) {
      if (cancelled.isCancellationRequested) throw new vscode.CancellationError();
      const rows = await page(from);
      const names = rows.columns.map((column) => column.name);
      const isFirst = columns === undefined;
      columns ??= names;
      if (!isSparse && String(names) !== String(columns))
        throw new RowferryError(
          'ROW-T104',
          vscode.l10n.t('The columns of the table changed during the export.'),
          {
            remedy: vscode.l10n.t('Export it again.'),
          },
        );
      const text = rowLines(format, names, rows.rows, { isFirst, isSparse });
      if (!stream.write(text))
        await Promise.race([failed, new Promise<void>((go) => stream.once('drain', go))]);
      count += rows.rows.length;
      tell(count, rows);
      if (rows.next === null) {
        await Promise.race([failed, new Promise<void>((done) => stream.end(done))]);
        return { count, isCut: rows.isCut };
      }
      from = rows.next;
    }
  } finally {
    stream.destroy();
  }
}
