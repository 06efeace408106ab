import type { TaskEdit } from '../../shared/pages.js';
import type { Task } from '../../shared/task.js';
import type { ChosenTable } from './dragged-tables.js';

/** Tables of a saved connection on their way into a task. Pure: what is asked and written is elsewhere. */

type Selection = { database: string; tables?: { name: string }[] };

/** `objects` of a task of these tables; a whole database takes its tables in. */
export function objectsOf(tables: readonly ChosenTable[]): Selection[] {
  const objects: Selection[] = [];
  for (const database of new Set(tables.map((chosen) => chosen.database))) {
    const inIt = tables.filter((chosen) => chosen.database === database);
    const names = new Set(inIt.map((chosen) => chosen.table));
    if (names.has(undefined)) objects.push({ database });
    else objects.push({ database, tables: [...names].map((name) => ({ name: name! })) });
  }
  return objects;
}

/** A name for a task of these tables that can be the name of a file. */
export function suggestedName(tables: readonly ChosenTable[]): string {
  const [first] = tables;
  if (!first) return '';
  const name = tables.length === 1 ? (first.table ?? first.database) : first.database;
  const plain = name.replaceAll(/[\\/:*?"<>|\p{Cc}]+/gu, '_').replace(/^[. ]+|[. ]+$/g, '');
  return plain.slice(0, 80) || 'task';
}

/** Edits that add the tables to a task's objects; none when it has them all. */
export function additions(task: Pick<Task, 'objects'>, tables: readonly ChosenTable[]): TaskEdit[] {
  const edits: TaskEdit[] = [];
  let end = task.objects.length;
  for (const wanted of objectsOf(tables)) {
    const index = task.objects.findIndex(({ database }) => database === wanted.database);
    const there = task.objects[index];
    if (!there) {
      edits.push({ path: ['objects', end++], value: wanted });
    } else if (there.tables && wanted.tables) {
      const known = new Set(there.tables.map(({ name }) => name));
      let at = there.tables.length;
      for (const table of wanted.tables) {
        if (!known.has(table.name)) edits.push({ path: ['objects', index, 'tables', at++], value: table });
      }
    } else if (there.tables) {
      edits.push({ path: ['objects', index, 'tables'] });
    } else {
      // The whole database is selected, but for what it excludes by name.
      const excluded = (there.exclude ?? []).filter(
        (name) => !(wanted.tables ?? []).some((table) => table.name === name),
      );
      if (excluded.length < (there.exclude?.length ?? 0))
        edits.push({ path: ['objects', index, 'exclude'], value: excluded });
    }
  }
  return edits;
}
