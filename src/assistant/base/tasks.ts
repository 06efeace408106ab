import * as z from 'zod';
import { RowferryError } from '../../shared/errors.js';
import { nearest } from '../../shared/nearest.js';
import { snapshotOf, type TaskSnapshot } from '../../shared/snapshot.js';
import { ambiguousTable, canonicalTable, tablesMeant } from '../../shared/source-name.js';
import type { DirtyFilter } from '../../shared/task-control-api.js';
import type { KnownTask, ToolHost } from './tool.js';

/** How tools name a task, and find what is known of it. */

export const taskParameter = z
  .string()
  .min(1)
  .describe('Name of the task, or path of its file, as list_tasks gives them.');

export const tableParameter = z
  .string()
  .min(1)
  .describe('A table of the source as DATABASE.TABLE, as task_status gives it.');

/** The task that is meant. Throws ROW-T101 when there is none, or more than one, of that name. */
export async function findTask(host: ToolHost, named: string): Promise<KnownTask> {
  const { tasks: all, cut } = await host.tasks();
  const byPath = all.filter(({ file, shown }) => named === file || named === shown);
  const found = byPath.length > 0 ? byPath : all.filter(({ name }) => name === named);
  if (found.length === 1) return found[0]!;
  if (found.length > 1) {
    throw new RowferryError('ROW-T101', `${found.length} tasks are named "${named}".`, {
      remedy: `Use the path of the file: ${found.map(({ shown }) => shown).join(', ')}.`,
    });
  }
  const meant = nearest(
    named,
    all.map(({ name }) => name),
  );
  throw new RowferryError('ROW-T101', `There is no task "${named}" here.`, {
    remedy: [
      ...(meant ? [`Did you mean "${meant}"?`] : []),
      'list_tasks gives all of them.',
      ...(cut === undefined ? [] : [cut]),
    ].join(' '),
  });
}

export async function findSnapshot(
  host: ToolHost,
  { task, file }: KnownTask,
): Promise<TaskSnapshot | undefined> {
  return snapshotOf(await (await host.engine()).snapshots(), task?.id, file);
}

/** As findSnapshot(); throws ROW-E109 when the task was never started. */
export async function knownSnapshot(host: ToolHost, task: KnownTask): Promise<TaskSnapshot> {
  const snapshot = await findSnapshot(host, task);
  if (snapshot) return snapshot;
  throw new RowferryError('ROW-E109', `${task.name} was never started here.`, {
    remedy: 'precheck_task says whether it can start; start_task starts it.',
  });
}

/** The table by the text that the task has for it. Throws ROW-S108, ROW-T104 (ambiguous). */
export function tableOf({ name, tables }: TaskSnapshot, named: string): string {
  const known = tables.map(({ source }) => source);
  const meant = tablesMeant(named, known);
  if (meant.length > 1) throw ambiguousTable(named, meant);
  if (meant[0] !== undefined) return meant[0];
  throw new RowferryError('ROW-S108', `${name} has no table ${named}.`, {
    remedy: `Its tables are ${known.slice(0, 10).join(', ')}${known.length > 10 ? ' …' : ''}.`,
  });
}

export const tableChoice = tableParameter
  .optional()
  .describe('Only rows of this table of the source, as DATABASE.TABLE.');
export const codeChoice = z
  .string()
  .optional()
  .describe('Only rows with this error code, for example ROW-V101.');

/** Which dirty rows are meant; a table may have left the task since. Throws ROW-T104 (ambiguous). */
export function dirtyFilter(
  { tables }: TaskSnapshot,
  { ids, table, code }: { ids?: string[] | undefined; table?: string | undefined; code?: string | undefined },
): DirtyFilter {
  const known = tables.map(({ source }) => source);
  return {
    ...(ids !== undefined && { ids }),
    ...(table !== undefined && { source: canonicalTable(table, known) }),
    ...(code !== undefined && { code: code.trim().toUpperCase() }),
  };
}

/** The first of a list, and how many are left out. */
export function firstOf<T>(list: readonly T[], most: number): { shown: T[]; more?: number } {
  const shown = list.slice(0, most);
  return list.length > most ? { shown, more: list.length - most } : { shown };
}
