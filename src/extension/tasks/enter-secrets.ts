import { dirname } from 'node:path';
import { parse as parseJsonc } from 'jsonc-parser';
import * as vscode from 'vscode';
import { variablesIn } from '../../shared/environment.js';
import { RowferryError } from '../../shared/errors.js';
import type { Side } from '../../shared/refusal.js';
import { Secrets } from '../base/secrets.js';
import {
  connectionsBeside,
  readConnections,
  type SavedConnections,
} from '../connections/saved-connections.js';
import { askForVariable, type Resolver } from './resolve.js';

/**
 * Asks once more for the secrets of one side of a task, wherever they are kept. Throws CancellationError when the
 * person gives none, and RowferryError when they are kept where the editor cannot change them.
 */
export async function enterSecrets(
  { saved, secrets }: Pick<Resolver, 'saved' | 'secrets'>,
  uri: vscode.Uri,
  side: Side,
): Promise<void> {
  const { t } = vscode.l10n;
  const document = await vscode.workspace.openTextDocument(uri);
  const file = parseJsonc(document.getText(), [], { allowTrailingComma: true }) as
    Partial<Record<Side, { connection?: string }>> | undefined;
  let settings: unknown = file?.[side];
  const connection = file?.[side]?.connection;
  if (connection !== undefined) {
    const beside = await readConnections(connectionsBeside(uri));
    settings = (side === 'source' ? beside?.sources : beside?.destinations)?.[connection];
    if (settings === undefined) return enterOfConnection(saved, side, connection);
  }
  const names = [...variablesIn(settings)];
  const kept = names.filter((name) => process.env[name] === undefined);
  for (const [index, name] of kept.entries()) {
    const value = await askForVariable(uri, name, index, kept.length);
    await secrets.set(Secrets.variable(dirname(uri.fsPath), name), value);
  }
  if (kept.length > 0) return;
  if (names.length > 0)
    throw new RowferryError('ROW-T103', t('The environment of this editor sets {0}.', names.join(', ')), {
      remedy: t('Correct it there, then restart the editor.'),
    });
  throw new RowferryError('ROW-T101', t('The secret is written in the file itself.'), {
    remedy: t('Correct it there, or replace it by a variable.'),
  });
}

async function enterOfConnection(saved: SavedConnections, side: Side, name: string): Promise<void> {
  const { t } = vscode.l10n;
  const value = await vscode.window.showInputBox({
    title: side === 'source' ? t('Password of {0}', name) : t('AccessKey secret of {0}', name),
    prompt: t('Stored in the secret storage of this editor. To change anything else, edit the connection.'),
    password: true,
    ignoreFocusOut: true,
  });
  if (value === undefined) throw new vscode.CancellationError();
  if (side === 'source') {
    const settings = await saved.resolve('source', name);
    if (settings) return saved.save('source', name, { ...settings, password: value });
  } else {
    const settings = await saved.resolve('destination', name);
    if (settings) return saved.save('destination', name, { ...settings, accessKeySecret: value });
  }
  throw new RowferryError('ROW-T105', t('The connection {0} does not exist.', name));
}
