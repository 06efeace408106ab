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
import { compileEtl } from '../../sync/etl/compile.js';
import { EtlSyntaxError } from '../../sync/etl/parser.js';
import { localTablestoreName } from '../connections/local-tablestore.js';
import {
  connectionsBeside,
  readConnections,
  type SavedConnections,
} from '../connections/saved-connections.js';
import type { EngineSession } from '../engine/session.js';
import type { Log } from '../log.js';
import type { TaskService } from '../tasks/task-service.js';
import { Page } from './page.js';

export const taskEditorViewType = 'rowferry.taskEditor';

export interface TaskEditorContext {
  extensionUri: vscode.Uri;
  session: EngineSession;
  service: TaskService;
  saved: SavedConnections;
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
    ];
    panel.onDidDispose(() => vscode.Disposable.from(...subscriptions).dispose());
    void show();
  }

  private async state(document: vscode.TextDocument): Promise<TaskEditorState> {
    const { session, service, saved } = this.context;
    const text = document.getText();
    const errors: ParseError[] = [];
    const value: unknown = parseJsonc(text, errors, { allowTrailingComma: true });
    const { value: task, issues } = parseTask(text);
    const broken = errors.length > 0 || typeof value !== 'object' || value === null;
    const script = (value as { etl?: unknown } | undefined)?.etl;
    const own = await saved.list();
    const beside = await readConnections(connectionsBeside(document.uri)).catch(() => undefined);
    const names = (a: object, b: object = {}) => [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
    return {
      document: broken ? undefined : value,
      issues: [...issues],
      etlProblem: typeof script === 'string' ? scriptProblem(script) : null,
      schema: this.schema,
      fileName: vscode.workspace.asRelativePath(document.uri),
      sources: names(own.sources, beside?.sources),
      destinations: [...names(own.destinations, beside?.destinations), localTablestoreName],
      snapshot: service.snapshotOf({ uri: document.uri, ...(task ? { task } : {}) }) ?? null,
      methods: session.methods,
    };
  }

  private host(document: vscode.TextDocument): Omit<TaskEditorHost, 'ready'> {
    const { session, service } = this.context;
    const { uri } = document;
    const source = () => service.source(document);
    const needs = (method: (typeof session.methods)[number]) => {
      if (session.connected && !session.answers(method)) {
        throw new RowferryError('ROW-E108', vscode.l10n.t('This engine does not answer that.'));
      }
    };
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
      databases: async () => {
        const engine = await session.engine();
        needs('databases');
        return engine.databases(await source());
      },
      catalog: async (database) => {
        const engine = await session.engine();
        needs('catalog');
        return engine.catalog(await source(), database);
      },
      countRows: async ({ database, name, filter }) => {
        const engine = await session.engine();
        needs('countRows');
        return engine.countRows(await source(), { database, name, ...(filter === '' ? {} : { filter }) });
      },
      preview: async (table) => {
        const task = await service.resolve(uri);
        const engine = await session.engine();
        needs('preview');
        return engine.preview(task, { rows: 10, ...(table === null ? {} : { table }) });
      },
    };
  }
}

/** One undo step that touches only what changes, so that cursors and folds elsewhere stay. */
export async function applyToDocument(document: vscode.TextDocument, edits: TaskEdit[]): Promise<void> {
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

function scriptProblem(script: string): TaskEditorState['etlProblem'] {
  try {
    compileEtl(script);
    return null;
  } catch (error) {
    if (!(error instanceof EtlSyntaxError)) throw error;
    return { line: error.at.line, column: error.at.column, message: error.message };
  }
}
