import { readFileSync } from 'node:fs';
import * as vscode from 'vscode';
import { asItIs, retelling, type Catalogue, type Retell } from '../../shared/retelling.js';

/** What engine and files say in English, in the language of this editor. */
export const retell: Retell = (text) => (told ??= load())(text);
let told: Retell | undefined;

/** Beside the sentences of the extension itself; the editor has found those when it has the language at all. */
function load(): Retell {
  const { uri } = vscode.l10n;
  if (!uri) return asItIs;
  const file = vscode.Uri.joinPath(uri, '..', `engine.l10n.${vscode.env.language}.json`);
  return retelling(JSON.parse(readFileSync(file.fsPath, 'utf8')) as Catalogue);
}
