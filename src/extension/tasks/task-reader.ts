import { parse as parseJsonc } from 'jsonc-parser';
import * as vscode from 'vscode';
import { RowferryError } from '../../shared/errors.js';
import { issueError, parseTask, randomTaskId, withTaskId } from '../../shared/task-file.js';
import { taskSchema, type Task } from '../../shared/task.js';

export { resolveForEngine, resolveSource } from './resolve.js';

/** From files and documents to tasks. All throw ROW-T102 with the line that is wrong. */

/**
 * The task as its file says: unsaved edits are saved first, and a file without an id gets one. A document that is
 * open learns of a change made outside only a moment later, so that the file itself is read. Throws ROW-T101 when it
 * cannot be saved.
 */
export async function loadTask(uri: vscode.Uri): Promise<Task & { id: string }> {
  const document = await vscode.workspace.openTextDocument(uri);
  const shown = vscode.workspace.asRelativePath(uri);
  const now = document.isDirty ? document.getText() : await textOnDisk(uri);
  const { value, issues } = parseTask(now);
  if (!value) throw issueError(shown, issues);
  const { text, id, added } = withTaskId(now);
  if (added && now !== document.getText()) await writeText(uri, text);
  else if (added) {
    const edit = new vscode.WorkspaceEdit();
    const whole = new vscode.Range(
      new vscode.Position(0, 0),
      document.lineAt(document.lineCount - 1).range.end,
    );
    edit.replace(uri, whole, text);
    await vscode.workspace.applyEdit(edit);
  }
  if (document.isDirty && !(await document.save())) {
    throw new RowferryError('ROW-T101', vscode.l10n.t('{0} could not be saved.', shown));
  }
  return { ...value, id };
}

/** The task as its text now says; one without an id gets one for the moment. */
export function readTask(document: vscode.TextDocument): Task & { id: string } {
  return taskOf(document.uri, document.getText());
}

/** The task as its file says, whatever an editor holds; one without an id gets one for the moment. Saves nothing. */
export async function readSavedTask(uri: vscode.Uri): Promise<Task & { id: string }> {
  return taskOf(uri, await textOnDisk(uri));
}

function taskOf(uri: vscode.Uri, text: string): Task & { id: string } {
  const { value, issues } = parseTask(text);
  if (!value) throw issueError(vscode.workspace.asRelativePath(uri), issues);
  return { ...value, id: value.id ?? randomTaskId() };
}

/** The source of a task as its text now says; the rest of the file may still be unfinished. */
export function readSource(document: vscode.TextDocument): Task['source'] {
  const { value, issues } = parseTask(document.getText());
  const wrong = issues.filter(({ key }) => key === '' || key.split(/[.[]/)[0] === 'source');
  const text = parseJsonc(document.getText(), [], { allowTrailingComma: true }) as { source?: unknown };
  const source = value?.source ?? taskSchema.shape.source.safeParse(text?.source).data;
  if (!source || wrong.length > 0)
    throw issueError(vscode.workspace.asRelativePath(document.uri), wrong.length > 0 ? wrong : issues);
  return source;
}

async function textOnDisk(uri: vscode.Uri): Promise<string> {
  const text = await vscode.workspace.decode(await vscode.workspace.fs.readFile(uri), { uri });
  return text.replace(/^\ufeff/, '');
}

async function writeText(uri: vscode.Uri, text: string): Promise<void> {
  await vscode.workspace.fs.writeFile(uri, await vscode.workspace.encode(text, { uri }));
}
