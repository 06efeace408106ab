import * as vscode from 'vscode';
import { registerCommands } from './commands/register.js';
import type { Core, Features } from './features.js';
import { helpScheme } from './base/help.js';
import { logError } from './base/log.js';
import { panelNames, panelViewType, taskEditorViewType } from './panels/view-types.js';
import { isTaskFile } from './tasks/task-files.js';

/**
 * Registers everything that people open or call by its name alone; its code is loaded with the first of it. So an editor
 * that opens a folder with tasks in it pays for what is used, and a window in which nobody looks at them for next to
 * nothing. `commands`: ids without the leading `rowferry.`.
 */
export function registerOnDemand(core: Core, commands: readonly string[]): vscode.Disposable {
  let loading: Promise<Features> | undefined;
  const disposables: vscode.Disposable[] = [];
  const features = () => {
    loading ??= import('./features.js').then(({ makeFeatures }) => {
      const made = makeFeatures(core);
      disposables.push(made);
      return made;
    });
    return loading;
  };
  disposables.push(
    registerCommands(core.log, commands, async () => (await features()).commands),
    vscode.window.registerCustomEditorProvider(taskEditorViewType, {
      resolveCustomTextEditor: async (document, panel) =>
        (await features()).taskEditor.resolveCustomTextEditor(document, panel),
    }),
    ...panelNames.map((name) =>
      vscode.window.registerWebviewPanelSerializer(panelViewType(name), {
        deserializeWebviewPanel: async (panel, state: unknown) =>
          (await features()).panels[name].restore(panel, state),
      }),
    ),
    vscode.workspace.registerTextDocumentContentProvider(helpScheme, {
      provideTextDocumentContent: async (uri) => (await import('./text/help-pages.js')).helpPage(uri),
    }),
    onFirstTaskDocument(() => {
      features().then(
        ({ text }) => disposables.push(text()),
        (error: unknown) => logError(core.log, 'text', error),
      );
    }),
  );
  return { dispose: () => vscode.Disposable.from(...disposables).dispose() };
}

/** Calls once, as soon as a task file is open as text; a form has its file open, too. */
function onFirstTaskDocument(begin: () => void): vscode.Disposable {
  const isTask = ({ uri }: vscode.TextDocument) => isTaskFile(uri.path);
  if (vscode.workspace.textDocuments.some(isTask)) {
    begin();
    return { dispose: () => {} };
  }
  const listening = vscode.workspace.onDidOpenTextDocument((document) => {
    if (!isTask(document)) return;
    listening.dispose();
    begin();
  });
  return listening;
}
