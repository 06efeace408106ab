import { isAtOrBelow, keyName } from '../../../src/shared/key-name.js';
import type { TaskEdit, TaskEditorHost, TaskEditorState } from '../../../src/shared/pages.js';
import type { Path } from './document.js';

/** What a field works with: a document, what is wrong with it, and where changes go. */
export interface FieldContext {
  state: Pick<TaskEditorState, 'document' | 'schema'> & Problems;
  host: Pick<TaskEditorHost, 'chooseFile'>;
  edit(edits: TaskEdit[]): void;
}
interface Problems {
  issues: readonly { key: string; message: string }[];
  problems: readonly { key: string; message: string }[];
}

/** What every part of the form works with. The document in the state is the only truth; edits go to the file. */
export interface FormContext extends FieldContext {
  state: TaskEditorState;
  host: TaskEditorHost;
  /** Brings what a problem is about into view, by its key. */
  show(key: string): void;
  /** Does it once everything that was typed is in the file. */
  run(action: Parameters<TaskEditorHost['run']>[0]): void;
}

/** What the file has against a place or what is below it. */
export function problemsAt(state: Problems, path: Path): string[] {
  const place = keyName(path);
  const found = [...state.issues, ...state.problems].filter(({ key }) => isAtOrBelow(key, place));
  return [...new Set(found.map((issue) => issue.message))];
}
