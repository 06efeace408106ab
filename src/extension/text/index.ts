import * as vscode from 'vscode';
import { taskFileSuffix } from '../../shared/file-names.js';
import { localTablestoreName } from '../connections/local-tablestore.js';
import {
  connectionsBeside,
  readConnections,
  type SavedConnections,
} from '../connections/saved-connections.js';
import type { EngineSession } from '../engine/session.js';
import type { SourceCatalog } from '../tasks/source-catalog.js';
import type { KnownNames } from '../tasks/task-problems.js';
import type { TaskService } from '../tasks/task-service.js';
import { TaskCompletion } from './task-completion.js';
import { TaskDiagnostics } from './task-diagnostics.js';
import { TaskHovers } from './task-hovers.js';
import { TaskLenses } from './task-lenses.js';

export interface TextContext {
  catalog: SourceCatalog;
  saved: SavedConnections;
  session: EngineSession;
  service: TaskService;
}

/** Help in the text of task files: completion, diagnostics, lenses, hovers. None of it connects to anything. */
export function textFeatures(context: TextContext): vscode.Disposable {
  const { service, session, catalog, saved } = context;
  const selector: vscode.DocumentSelector = { pattern: `**/*${taskFileSuffix}` };
  const known = (document: vscode.TextDocument) => knownNames(context, document);
  const lenses = new TaskLenses(service, session);
  return vscode.Disposable.from(
    lenses,
    new TaskDiagnostics(catalog, known, saved.onDidChange),
    vscode.languages.registerCodeLensProvider(selector, lenses),
    vscode.languages.registerHoverProvider(selector, new TaskHovers(known)),
    vscode.languages.registerCompletionItemProvider(
      selector,
      new TaskCompletion(known),
      ...TaskCompletion.triggers,
    ),
  );
}

/** What is known of the world of a task file without asking anybody. */
export async function knownNames(
  { catalog, saved }: Pick<TextContext, 'catalog' | 'saved'>,
  document: vscode.TextDocument,
): Promise<KnownNames> {
  const databases = catalog.knownDatabases(document);
  const tables = (database: string) => catalog.knownTables(document, database);
  try {
    const own = await saved.list();
    const beside = await readConnections(connectionsBeside(document.uri));
    const names = (a: object, b: object = {}) => [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
    return {
      sources: names(own.sources, beside?.sources),
      destinations: [...new Set([...names(own.destinations, beside?.destinations), localTablestoreName])],
      ...(databases ? { databases } : {}),
      tables,
    };
  } catch {
    // A file of connections that cannot be read says so where it stands; here its names are not known.
    return { ...(databases ? { databases } : {}), tables };
  }
}
