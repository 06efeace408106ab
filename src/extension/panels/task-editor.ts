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
import type { FileIssue } from '../../shared/checked-jsonc.js';
import { refusedSide } from '../../shared/refusal.js';
import type { Task } from '../../shared/task.js';
import { applyTaskEdits, difference } from '../../shared/task-edits.js';
import { parseTask } from '../../shared/task-file.js';
import { taskJsonSchema } from '../../shared/task-json-schema.js';
import type { SavedConnections } from '../connections/saved-connections.js';
import type { EngineSession } from '../engine/session.js';
import type { Log } from '../base/log.js';
import { asRowferryError } from '../base/notifications.js';
import { sourceKey, type SourceCatalog } from '../tasks/source-catalog.js';
import { scriptProblem, taskProblems } from '../tasks/task-problems.js';
import type { TaskService } from '../tasks/task-service.js';
import { knownNames } from '../text/index.js';
import { Page } from './page.js';
import { taskEditorViewType } from './view-types.js';

export interface TaskEditorContext {
  extensionUri: vscode.Uri;
  session: EngineSession;
  service: TaskService;
  saved: SavedConnections;
  catalog: SourceCatalog;
  log: Log;
}

interface Parsed {
  version: number;
  task: Task | undefined;
  issues: readonly FileIssue[];
}

/**
 * The form of a task file, beside the text editor and never instead of it. The document is its only state: edits
 * become WorkspaceEdits, and what the form shows is what the document then says, so that undo, save, and typing in
 * the text just work.
 */
export class TaskEditorProvider implements vscode.CustomTextEditorProvider {
  private readonly schema = taskJsonSchema();
  private readonly read = new WeakMap<vscode.TextDocument, Parsed>();
  /** What each document last said while it was JSON: the form goes on showing that while the text is broken. */
  private readonly lastGood = new WeakMap<vscode.TextDocument, unknown>();

  constructor(private readonly context: TaskEditorContext) {}

  resolveCustomTextEditor(document: vscode.TextDocument, panel: vscode.WebviewPanel): void {
    const { context } = this;
    const page = new Page<TaskEditorHost, TaskEditorState>(panel, {
      extensionUri: context.extensionUri,
      name: 'task-editor',
      calls: taskEditorCalls,
      host: this.host(document, () => show()),
      log: context.log,
    });
    const show = () => page.update(() => this.state(document));
    let shown = '';
    // The engine speaks every second; the form only cares for what is said of its task.
    const look = () => {
      if (panel.visible) {
        const { task, issues } = this.parsed(document);
        const differing = context.service.differences(document.uri);
        const now = JSON.stringify([this.look(document, task, issues), differing, context.session.methods]);
        if (now === shown) return;
        shown = now;
      }
      show();
    };
    const subscriptions = [
      page,
      vscode.workspace.onDidChangeTextDocument((event) => {
        if (event.document.uri.toString() !== document.uri.toString()) return;
        // Also while the text is in front, and the page is not there.
        this.value(document);
        show();
      }),
      context.session.onDidChange(look),
      context.saved.onDidChange(show),
      context.catalog.onDidChange(show),
    ];
    const own = document.uri.toString();
    this.forms.set(own, show);
    panel.onDidDispose(() => {
      // Of the two of a split editor the other one may be the newer.
      if (this.forms.get(own) === show) this.forms.delete(own);
      vscode.Disposable.from(...subscriptions).dispose();
    });
    show();
  }

  /** Opens the form of a file, if it is not open, where it has the setting at `key`. */
  async reveal(uri: vscode.Uri, key?: string): Promise<void> {
    if (key !== undefined) this.wishes.set(uri.toString(), { key, number: ++this.wished });
    await vscode.commands.executeCommand('vscode.openWith', uri, taskEditorViewType);
    this.forms.get(uri.toString())?.();
  }

  private wished = 0;
  /** What to show of each file, and the form that is open for it. */
  private readonly wishes = new Map<string, NonNullable<TaskEditorState['goTo']>>();
  private readonly forms = new Map<string, () => void>();

  /** Of the document as it stands; read once for each of its versions. */
  private parsed(document: vscode.TextDocument): Parsed {
    const known = this.read.get(document);
    if (known?.version === document.version) return known;
    const { value: task, issues } = parseTask(document.getText());
    const read = { version: document.version, task, issues };
    this.read.set(document, read);
    return read;
  }

  /** The document as JSON; undefined when it is none. */
  private value(document: vscode.TextDocument): unknown {
    const errors: ParseError[] = [];
    const value: unknown = parseJsonc(document.getText(), errors, { allowTrailingComma: true });
    if (errors.length > 0 || typeof value !== 'object' || value === null) return undefined;
    this.lastGood.set(document, value);
    return value;
  }

  private look(
    { uri }: vscode.TextDocument,
    task: Task | undefined,
    issues: readonly FileIssue[],
  ): Pick<TaskEditorState, 'look'> {
    const words = this.context.service.lookOf({ uri, ...(task ? { task } : {}) }, issues.length === 0);
    const { description, canStart, canStop } = words;
    return { look: { description, canStart, canStop } };
  }

  private async state(document: vscode.TextDocument): Promise<TaskEditorState> {
    const { session, catalog } = this.context;
    const text = document.getText();
    const value = this.value(document);
    const { task, issues } = this.parsed(document);
    const script = (value as { etl?: unknown } | undefined)?.etl;
    const known = await knownNames(this.context, document);
    return {
      document: value,
      ...(value === undefined && { lastDocument: this.lastGood.get(document) }),
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
      ...this.look(document, task, issues),
      differences: this.context.service.differences(document.uri),
      goTo: this.wishes.get(document.uri.toString()) ?? null,
      refused: this.refused.get(document) ?? this.refusedTask(document.uri),
      methods: session.methods,
    };
  }

  private refusedTask(uri: vscode.Uri): TaskEditorState['refused'] {
    const snapshot = this.context.service.snapshotAt(uri);
    const error = snapshot?.error ?? snapshot?.retry?.error;
    const side = refusedSide(error?.code);
    return side === undefined ? null : { side, message: error!.message };
  }

  /** What a question to a side came to: a secret that it did not take is told beside the form, until it takes one. */
  private readonly refused = new WeakMap<vscode.TextDocument, NonNullable<TaskEditorState['refused']>>();

  private host(document: vscode.TextDocument, changed: () => void): Omit<TaskEditorHost, 'ready'> {
    const { service, catalog } = this.context;
    const { uri } = document;
    const asking = async <T>(question: Promise<T>): Promise<T> => {
      try {
        const answer = await question;
        if (this.refused.delete(document)) changed();
        return answer;
      } catch (thrown) {
        const error = asRowferryError(thrown);
        const side = error instanceof RowferryError ? refusedSide(error.code) : undefined;
        if (side !== undefined) {
          this.refused.set(document, { side, message: (error as RowferryError).message });
          changed();
        }
        throw thrown;
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
        if (action === 'enterSecrets') {
          const side = this.refused.get(document)?.side;
          const entered = await vscode.commands.executeCommand('rowferry.task.enterSecrets', { uri, side });
          if (entered !== true) return;
          this.refused.delete(document);
          changed();
          return;
        }
        await vscode.commands.executeCommand(`rowferry.task.${action}`, { uri });
      },
      save: async () => void (await document.save()),
      chooseFile: (title) => chooseFile(uri, title),
      databases: () => asking(catalog.databases(document)),
      catalog: (database) => asking(catalog.tables(document, database)),
      countRows: (table) => asking(catalog.countRows(document, table)),
      preview: async ({ table, rows, before }) => {
        const task = await service.resolveText(document);
        const engine = await catalog.engine('preview');
        return asking(engine.preview(task, { rows, before, ...(table === null ? {} : { table }) }));
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
