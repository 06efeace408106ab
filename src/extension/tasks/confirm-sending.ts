import * as vscode from 'vscode';
import { sentMark } from '../../engine/base/sent-mark.js';
import { sentVariables, type TaskEnds } from '../../shared/sent-variables.js';
import { confirmed } from '../base/notifications.js';

const memoryKey = 'trustedServers';

/**
 * A file in a trusted folder may still have been written by somebody else: before a variable of the environment, or one
 * from the secret storage, goes to a server that it never went to, both are named and a person confirms. Throws
 * CancellationError when the answer is no.
 */
export async function confirmSending(
  memory: Pick<vscode.Memento, 'get' | 'update'>,
  uri: vscode.Uri,
  written: TaskEnds,
  resolved: TaskEnds,
): Promise<void> {
  const known = memory.get<string[]>(memoryKey, []);
  const fresh = sentVariables(written, resolved).filter((one) => !known.includes(sentMark(one)));
  if (fresh.length === 0) return;
  const { t } = vscode.l10n;
  const isConfirmed = await confirmed(
    t('{0} sends secrets to servers for the first time.', vscode.workspace.asRelativePath(uri)),
    fresh.map(({ variable, server }) => t('{0} to {1}', variable, server)).join('\n'),
    t('Send'),
  );
  if (!isConfirmed) throw new vscode.CancellationError();
  await memory.update(memoryKey, [
    ...new Set([...memory.get<string[]>(memoryKey, []), ...fresh.map(sentMark)]),
  ]);
}
