import * as vscode from 'vscode';
import { RowferryError } from '../../shared/errors.js';
import type { KnownTask, ToolHost } from '../../assistant/base/tool.js';
import type { EngineSession } from '../engine/session.js';
import type { TaskFiles } from '../tasks/task-files.js';
import type { TaskService } from '../tasks/task-service.js';

export interface AssistantContext {
  files: TaskFiles;
  service: TaskService;
  session: EngineSession;
}

/** What the tools work on in the editor: its task files, its secrets, its engine. Missing secrets are asked for. */
export function editorHost({ files, service, session }: AssistantContext): ToolHost {
  const uriOf = ({ file }: KnownTask) =>
    files.all.find(({ uri }) => uri.fsPath === file)?.uri ?? vscode.Uri.file(file);
  return {
    t: vscode.l10n.t,
    locale: vscode.env.language,
    async tasks() {
      await files.ready;
      const tasks = files.all.map(({ uri, name, task, issues }) => ({
        name,
        file: uri.fsPath,
        shown: vscode.workspace.asRelativePath(uri),
        ...(task && { task }),
        ...(issues[0] && { problem: `line ${issues[0].line}: ${issues[0].key}: ${issues[0].message}` }),
      }));
      return { tasks };
    },
    resolve: (task) => service.resolveSaved(uriOf(task)),
    engine: () => {
      service.assertTrusted();
      return session.engine();
    },
    differences: (task, snapshot) => service.differences(uriOf(task), snapshot),
    start: async (task) => {
      mustBeSaved(uriOf(task));
      await service.start(uriOf(task));
    },
    retryDirty: async (task, filter) => {
      mustBeSaved(uriOf(task));
      return service.retryDirty(uriOf(task), filter);
    },
    onVerifyProgress(id, told) {
      const listening = session.onVerifyProgress((event) => {
        if (event.id === id) told(event.progress);
      });
      return () => listening.dispose();
    },
  };
}

/** What a person agreed to was read from the file: a start that saves their unsaved edits would do something else. */
function mustBeSaved(uri: vscode.Uri): void {
  const document = vscode.workspace.textDocuments.find((one) => one.uri.toString() === uri.toString());
  if (!document?.isDirty) return;
  const shown = vscode.workspace.asRelativePath(uri);
  throw new RowferryError('ROW-T101', `${shown} has edits that are not saved.`, {
    remedy: 'Ask the person to save the file or to revert it, then try again.',
  });
}
