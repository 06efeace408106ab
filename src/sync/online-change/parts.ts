import type { SourceConnection } from '../../mysql/connection.js';
import type { TableDefinition } from '../../mysql/model.js';
import type { ResolvedTask } from '../../shared/task.js';
import { isSameTable, selectionOf } from '../mapping/plan.js';
import { isToolName } from './names.js';
import { mayBePart, provenPart, readTraces, type ToolTable } from './traces.js';

/** What of the tables that a task selects belongs to an online schema change. One that is selected by its name is not asked about. */
export interface Parts {
  proven: ToolTable[];
  /** Those of them that only the stream has shown. */
  remembered: ToolTable[];
  /** They stand beside a table that a tool may have made them for, and nothing proves it. */
  maybe: TableDefinition[];
  /** Nothing but their names says so. */
  named: TableDefinition[];
}

/** `known`: what the stream of the task has shown. */
export async function readParts(
  connection: SourceConnection,
  task: Pick<ResolvedTask, 'objects'>,
  definitions: readonly TableDefinition[],
  known: readonly ToolTable[] = [],
): Promise<Parts> {
  const asked = definitions.filter(
    (table) => isToolName(table.name) && selectionOf(task, table)?.isWhole === true,
  );
  const parts: Parts = { proven: [], remembered: [], maybe: [], named: [] };
  if (asked.length === 0) return parts;
  const traces = await readTraces(connection, [...new Set(asked.map(({ database }) => database))]);
  for (const table of asked) {
    const seen = provenPart(table, traces);
    const part = seen ?? known.find((one) => isSameTable(one, table));
    if (part && !seen) parts.remembered.push(part);
    if (part) parts.proven.push(part);
    else if (mayBePart(table, traces)) parts.maybe.push(table);
    else parts.named.push(table);
  }
  return parts;
}

/** The tables without those that belong to a schema change. */
export async function withoutParts(
  connection: SourceConnection,
  task: Pick<ResolvedTask, 'objects'>,
  definitions: readonly TableDefinition[],
  known: readonly ToolTable[] = [],
): Promise<{ tables: TableDefinition[]; proven: ToolTable[] }> {
  const { proven } = await readParts(connection, task, definitions, known);
  const tables = definitions.filter((table) => !proven.some((part) => isSameTable(part, table)));
  return { tables, proven };
}
