import * as vscode from 'vscode';
import { commandLink, errorHelpCommand } from '../base/help.js';
import { retell } from '../base/retell.js';
import type { SourceCatalog } from '../tasks/source-catalog.js';
import { isTaskFile } from '../tasks/task-files.js';
import { taskProblems, type KnownNames } from '../tasks/task-problems.js';

const pauseMs = 250;
/** What a start of a file with an error ends with. */
const invalidFile = 'ROW-T102';

/** Squiggles under what the schema cannot know, in every task file that is open as text or as a form. */
export class TaskDiagnostics implements vscode.Disposable {
  private readonly collection = vscode.languages.createDiagnosticCollection('rowferry');
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private readonly disposables: vscode.Disposable[];

  constructor(
    catalog: SourceCatalog,
    private readonly known: (document: vscode.TextDocument) => Promise<KnownNames>,
    connectionsChanged: vscode.Event<void>,
  ) {
    const all = () => vscode.workspace.textDocuments.forEach((document) => this.soon(document));
    this.disposables = [
      this.collection,
      vscode.workspace.onDidOpenTextDocument((document) => this.soon(document)),
      vscode.workspace.onDidChangeTextDocument(({ document }) => this.soon(document)),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.collection.delete(uri)),
      catalog.onDidChange(all),
      connectionsChanged(all),
    ];
    all();
  }

  private soon(document: vscode.TextDocument): void {
    if (!isTaskFile(document.uri.path)) return;
    const key = document.uri.toString();
    clearTimeout(this.timers.get(key));
    this.timers.set(
      key,
      setTimeout(() => {
        this.timers.delete(key);
        void this.check(document);
      }, pauseMs),
    );
  }

  private async check(document: vscode.TextDocument): Promise<void> {
    const known = await this.known(document);
    if (document.isClosed) return;
    const problems = taskProblems(document.getText(), known, vscode.l10n.t);
    this.collection.set(
      document.uri,
      problems.map(({ offset, length, message, severity }) => {
        const range = new vscode.Range(document.positionAt(offset), document.positionAt(offset + length));
        const diagnostic = new vscode.Diagnostic(
          range,
          retell(message),
          severity === 'error' ? vscode.DiagnosticSeverity.Error : vscode.DiagnosticSeverity.Warning,
        );
        diagnostic.source = 'Rowferry';
        if (severity === 'error')
          diagnostic.code = { value: invalidFile, target: commandLink(errorHelpCommand, invalidFile) };
        return diagnostic;
      }),
    );
  }

  dispose(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    vscode.Disposable.from(...this.disposables).dispose();
  }
}
