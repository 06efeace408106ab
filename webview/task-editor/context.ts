import type { TaskEdit, TaskEditorHost, TaskEditorState } from '../../src/shared/pages.js';
import type { Path } from './document.js';

/** What every part of the form works with. The document in the state is the only truth; edits go to the file. */
export interface FormContext {
  state: TaskEditorState;
  host: TaskEditorHost;
  edit(edits: TaskEdit[]): void;
}

/** Problems that the file itself has at a place or below it. */
export function problemsAt(state: TaskEditorState, path: Path): string[] {
  const key = path.reduce<string>(
    (name, step) => (typeof step === 'number' ? `${name}[${step}]` : name === '' ? step : `${name}.${step}`),
    '',
  );
  return state.issues
    .filter(
      (issue) => issue.key === key || issue.key.startsWith(`${key}.`) || issue.key.startsWith(`${key}[`),
    )
    .map((issue) => issue.message);
}
