import { dirname, isAbsolute, relative } from 'node:path';
import * as vscode from 'vscode';
import { RowferryError } from '../../shared/errors.js';
import {
  taskEditorCalls,
  type TaskEdit,
  type TaskEditorHost,
  type TaskEditorState,
} from '../../shared/pages.js';
import { parse as parseJsonc, type ParseError } from 'jsonc-parser';
import { applyTaskEdits, difference } from '../../shared/task-edits.js';
import { parseTask } from '../../shared/task-file.js';
import { taskJsonSchema } from '../../shared/task-json-schema.js';
import type { SavedConnections } from '../connections/saved-connections.js';
import type { EngineSession } from '../engine/session.js';
import type { Log } from '../log.js';
import { sourceKey, type SourceCatalog } from '../tasks/source-catalog.js';
import { scriptProblem, taskProblems } from '../tasks/task-problems.js';
import type { TaskService } from '../tasks/task-service.js';
import { knownNames } from '../text/index.js';
import { Page } from './page.js';

export const taskEditorViewType = 'rowferry.taskEditor';

export interface TaskEditorContext {
  extensionUri: vscode.Uri;
  session: EngineSession;
  service: TaskService;
  saved: SavedConnections;
  catalog: SourceCatalog;
  log: Log;
}

/**
 * The form of a task file, beside the text editor and never instead of it. The document is its only state: edits
 * become WorkspaceEdits, and what the form shows is what the document then says, so that undo, save, and typing in
 * the text just work.
 */
export class TaskEditorProvider implements vscode.CustomTextEditorProvider {
  private readonly schema = taskJsonSchema();

  constructor(private readonly context: TaskEditorContext) {}

  resolveCustomTextEditor(document: vscode.TextDocument, panel: vscode.WebviewPanel): void {
    const { context } = this;
    const page = new Page<TaskEditorHost, TaskEditorState>(panel, {
      extensionUri: context.extensionUri,
      name: 'task-editor',
      calls: taskEditorCalls,
      host: this.host(document),
      log: context.log,
    });
    let latest = 0;
    const show = async () => {
      const turn = ++latest;
      const state = await this.state(document);
      // An older answer must not overwrite a newer one.
      if (turn === latest) page.show(state);
    };
    const subscriptions = [
      page,
      vscode.workspace.onDidChangeTextDocument((event) => {
        if (event.document.uri.toString() === document.uri.toString()) void show();
      }),
      context.session.onDidChange(() => void show()),
      context.saved.onDidChange(() => void show()),
      context.catalog.onDidChange(() => void show()),
    ];
    panel.onDidDispose(() => vscode.Disposable.from(...subscriptions).dispose());
    void show();
  }

  private async state(document: vscode.TextDocument): Promise<TaskEditorState> {
    const { session, service, catalog } = this.context;
    const text = document.getText();
    const errors: ParseError[] = [];
    const value: unknown = parseJsonc(text, errors, { allowTrailingComma: true });
    const { value: task, issues } = parseTask(text);
    const broken = errors.length > 0 || typeof value !== 'object' || value === null;
    const script = (value as { etl?: unknown } | undefined)?.etl;
    const known = await knownNames(this.context, document);
    return {
      document: broken ? undefined : value,
      issues: [...issues],
      problems: taskProblems(text, known, vscode.l10n.t).filter(
        (problem) =>
          !issues.some(({ offset, message }) => offset === problem.offset && message === problem.message),
      ),
      etlProblem: typeof script === 'string' ? scriptProblem(script) : null,
      schema: this.schema,
      fileName: vscode.workspace.asRelativePath(document.uri),
      sources: [...(known.sources ?? [])],
      destinations: [...(known.destinations ?? [])],
      catalog: {
        source: sourceKey(document),
        databases: catalog.knownDatabases(document) ?? null,
        tables: catalog.tablesOf(document),
      },
      snapshot: service.snapshotOf({ uri: document.uri, ...(task ? { task } : {}) }) ?? null,
      methods: session.methods,
    };
  }

  private host(document: vscode.TextDocument): Omit<TaskEditorHost, 'ready'> {
    const { service, catalog } = this.context;
    const { uri } = document;
    return {
      edit: (edits) => applyToDocument(document, edits),
      run: async (action) => {
        if (action === 'openText') {
          await vscode.window.showTextDocument(uri, { viewColumn: vscode.ViewColumn.Active });
          return;
        }
        if (action !== 'copyCommand' && document.isDirty) await document.save();
        await vscode.commands.executeCommand(`rowferry.task.${action}`, { uri });
      },
      save: async () => void (await document.save()),
      chooseFile: (title) => chooseFile(uri, title),
      databases: () => catalog.databases(document),
      catalog: (database) => catalog.tables(document, database),
      countRows: (table) => catalog.countRows(document, table),
      preview: async ({ table, rows, before }) => {
        const task = await service.resolveText(document);
        const engine = await catalog.engine('preview');
        return engine.preview(task, { rows, before, ...(table === null ? {} : { table }) });
      },
    };
  }
}

/** A path from the folder of the task where the file is in there, so that the folder can be moved. */
async function chooseFile(task: vscode.Uri, title: string): Promise<string | null> {
  const folder = dirname(task.fsPath);
  const [chosen] = (await vscode.window.showOpenDialog({ title, defaultUri: vscode.Uri.file(folder) })) ?? [];
  if (!chosen) return null;
  const inside = relative(folder, chosen.fsPath);
  return inside.startsWith('..') || isAbsolute(inside) ? chosen.fsPath : inside.replaceAll('\\', '/');
}

/** One undo step that touches only what changes, so that cursors and folds elsewhere stay. */
export function applyToDocument(document: vscode.TextDocument, edits: TaskEdit[]): Promise<void> {
  // One after the other: an edit made from a text that another one is just changing would be lost.
  const done = (editing.get(document) ?? Promise.resolve()).then(() => applyNow(document, edits));
  editing.set(
    document,
    done.catch(() => undefined),
  );
  return done;
}

const editing = new WeakMap<vscode.TextDocument, Promise<void>>();

async function applyNow(document: vscode.TextDocument, edits: TaskEdit[]): Promise<void> {
  const before = document.getText();
  const change = difference(before, applyTaskEdits(before, edits));
  if (!change) return;
  const edit = new vscode.WorkspaceEdit();
  const range = new vscode.Range(document.positionAt(change.start), document.positionAt(change.end));
  edit.replace(document.uri, range, change.text);
  if (!(await vscode.workspace.applyEdit(edit))) {
    throw new RowferryError('ROW-T101', vscode.l10n.t('{0} could not be changed.', document.fileName));
  }
}
