import type { TaskEdit, TaskEditorHost, TaskEditorState } from '../../../src/shared/pages.js';
import type { Path } from './document.js';

/** What every part of the form works with. The document in the state is the only truth; edits go to the file. */
export interface FormContext {
  state: TaskEditorState;
  host: TaskEditorHost;
  edit(edits: TaskEdit[]): void;
  /** Brings what a problem is about into view, by its key. */
  show(key: string): void;
  /** Does it once everything that was typed is in the file. */
  run(action: Parameters<TaskEditorHost['run']>[0]): void;
}

/** As the file's problems name a place: `source.port`, `objects[0].tables[1]`. */
export function keyOf(path: Path): string {
  return path.reduce<string>((name, step) => {
    if (typeof step === 'number') return `${name}[${step}]`;
    if (!/^[A-Za-z_$][\w$]*$/.test(step)) return `${name}[${JSON.stringify(step)}]`;
    return name === '' ? step : `${name}.${step}`;
  }, '');
}

/** What the file has against a place or what is below it. */
export function problemsAt(state: TaskEditorState, path: Path): string[] {
  const key = keyOf(path);
  const found = [...state.issues, ...state.problems].filter(
    (issue) => issue.key === key || issue.key.startsWith(`${key}.`) || issue.key.startsWith(`${key}[`),
  );
  return [...new Set(found.map((issue) => issue.message))];
}
