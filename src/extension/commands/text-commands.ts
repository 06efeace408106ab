import { parse as parseJsonc } from 'jsonc-parser';
import * as vscode from 'vscode';
import type { SourceCatalog } from '../tasks/source-catalog.js';
import { isTaskFile } from '../tasks/task-files.js';
import type { Commands } from './register.js';
import { inform } from '../base/notifications.js';

/** Commands on the text of a task file. */
export function textCommands(catalog: SourceCatalog): Commands {
  const { t } = vscode.l10n;
  return {
    /** Reads the source of the task in the editor, so that completion, diagnostics and hovers know its names. */
    'task.loadNames': async (argument) => {
      const given = (argument as { uri?: vscode.Uri } | undefined)?.uri;
      const editor = vscode.window.activeTextEditor;
      const uri = given ?? editor?.document.uri;
      if (!uri || !isTaskFile(uri.path)) {
        void inform(t('Open a task as JSON first.'));
        return;
      }
      const document = await vscode.workspace.openTextDocument(uri);
      await vscode.window.withProgress(
        { location: vscode.ProgressLocation.Window, title: t('Reading names from the source') },
        async () => {
          const databases = await catalog.databases(document);
          for (const name of selectedDatabases(document)) {
            const there = databases.find((one) => one.toLowerCase() === name.toLowerCase());
            if (there !== undefined) await catalog.tables(document, there, true);
          }
        },
      );
      // Asked for out of the completion list: the list comes back with the names.
      if (given && editor?.document.uri.toString() === uri.toString())
        await vscode.commands.executeCommand('editor.action.triggerSuggest');
    },
  };
}

function selectedDatabases(document: vscode.TextDocument): Set<string> {
  const task = parseJsonc(document.getText(), [], { allowTrailingComma: true }) as
    { objects?: unknown } | undefined;
  const objects = Array.isArray(task?.objects) ? task.objects : [];
  return new Set(
    objects.flatMap((object: { database?: unknown } | null) =>
      typeof object?.database === 'string' ? [object.database] : [],
    ),
  );
}
