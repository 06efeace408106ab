import type { TaskEdit, TaskEditorHost, TaskEditorState } from '../../../src/shared/pages.js';
import type { Path } from './document.js';

/** What every part of the form works with. The document in the state is the only truth; edits go to the file. */
export interface FormContext {
  state: TaskEditorState;
  host: TaskEditorHost;
  edit(edits: TaskEdit[]): void;
  /** Does it once everything that was typed is in the file. */
  run(action: Parameters<TaskEditorHost['run']>[0]): void;
}

/** What the file has against a place or what is below it. */
export function problemsAt(state: TaskEditorState, path: Path): string[] {
  const key = path.reduce<string>((name, step) => {
    if (typeof step === 'number') return `${name}[${step}]`;
    if (!/^[A-Za-z_$][\w$]*$/.test(step)) return `${name}[${JSON.stringify(step)}]`;
    return name === '' ? step : `${name}.${step}`;
  }, '');
  const found = [...state.issues, ...state.problems].filter(
    (issue) => issue.key === key || issue.key.startsWith(`${key}.`) || issue.key.startsWith(`${key}[`),
  );
  return [...new Set(found.map((issue) => issue.message))];
}
