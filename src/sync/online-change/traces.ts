import type { SourceConnection } from '../../mysql/connection.js';
import type { OnlineTool } from '../../shared/snapshot.js';
import { sourceName, type SourceTable } from '../../shared/source-name.js';
import { isSameName, isSameTable } from '../mapping/plan.js';
import {
  changedTable,
  isFamilyOf,
  isMadeBeside,
  isReverse,
  isToolName,
  noteColumns,
  partInChange,
  toolOfNotes,
  triggerFamily,
  triggerTarget,
} from './names.js';

/** A table that belongs to an online schema change. */
export interface ToolTable extends SourceTable {
  readonly tool: OnlineTool;
  /** The copy that becomes the table, the tool's own notes, or the table that was replaced. */
  readonly as: 'copy' | 'notes' | 'old';
  /** The table that is changed, where that is known. */
  readonly of?: string;
  /** The triggers that write to it, while they are what proves it (names.ts). */
  readonly triggers?: string;
}

/** A trigger of pt-online-schema-change. */
export interface ToolTrigger {
  readonly database: string;
  readonly family: string;
  readonly on: string;
  readonly target: SourceTable;
}

/** What a source shows of schema changes that are under way. */
export interface Traces {
  readonly tables: readonly SourceTable[];
  readonly notes: readonly (SourceTable & { readonly tool: OnlineTool })[];
  /** Those that the account may see: it needs the TRIGGER privilege. */
  readonly triggers: readonly ToolTrigger[];
  readonly caseSensitive: boolean;
}

export async function readTraces(
  connection: SourceConnection,
  databases: readonly string[],
): Promise<Traces> {
  const caseSensitive = (await connection.facts()).lowerCaseTableNames === 0;
  if (databases.length === 0) return { tables: [], notes: [], triggers: [], caseSensitive };
  const tables = await connection.query<SourceTable>(
    `SELECT TABLE_SCHEMA AS \`database\`, TABLE_NAME AS name FROM INFORMATION_SCHEMA.TABLES
      WHERE TABLE_TYPE = 'BASE TABLE' AND TABLE_SCHEMA IN (?)`,
    [databases],
  );
  const columns = await connection.query<SourceTable & { column: string }>(
    `SELECT TABLE_SCHEMA AS \`database\`, TABLE_NAME AS name, COLUMN_NAME AS \`column\`
       FROM INFORMATION_SCHEMA.COLUMNS
      WHERE TABLE_SCHEMA IN (?) AND LEFT(TABLE_NAME, 1) = '_' AND COLUMN_NAME IN (?)`,
    [databases, noteColumns],
  );
  const triggers = await connection.query<{ database: string; name: string; on: string; body: string }>(
    `SELECT TRIGGER_SCHEMA AS \`database\`, TRIGGER_NAME AS name, EVENT_OBJECT_TABLE AS \`on\`, ACTION_STATEMENT AS body
       FROM INFORMATION_SCHEMA.TRIGGERS
      WHERE TRIGGER_SCHEMA IN (?) AND (TRIGGER_NAME LIKE 'pt\\_osc\\_%' OR TRIGGER_NAME LIKE 'rt\\_pt\\_osc\\_%')`,
    [databases],
  );
  const columnsOf = new Map<string, SourceTable & { columns: string[] }>();
  for (const { database, name, column } of columns) {
    const id = sourceName({ database, name });
    const known = columnsOf.get(id) ?? { database, name, columns: [] };
    known.columns.push(column);
    columnsOf.set(id, known);
  }
  return {
    tables,
    notes: [...columnsOf.values()].flatMap(({ database, name, columns: own }) => {
      const tool = toolOfNotes(name, own);
      return tool ? [{ database, name, tool }] : [];
    }),
    triggers: triggers.flatMap((one) => toolTrigger(one) ?? []),
    caseSensitive,
  };
}

/** null: it is another's. */
export function toolTrigger(trigger: {
  database: string;
  name: string;
  on: string;
  body: string;
}): ToolTrigger | null {
  const { database, on } = trigger;
  const family = triggerFamily(trigger.name);
  const target = family === null ? null : triggerTarget(trigger.body);
  return family === null || target === null
    ? null
    : { database, family, on, target: { database, ...target } };
}

/** What a table is in a schema change that its traces prove; null: there is no proof, and it is like any other. */
export function provenPart(table: SourceTable, traces: Omit<Traces, 'tables'>): ToolTable | null {
  const { database, name } = table;
  if (!isToolName(name)) return null;
  const { caseSensitive } = traces;
  const isIt = (other: SourceTable) => isSameTable(other, { database, name, caseSensitive });
  const notes = traces.notes.find(isIt);
  if (notes) return { database, name, tool: notes.tool, as: 'notes', of: changedTable(name) };
  for (const trigger of traces.triggers) {
    const found = partByTrigger(trigger);
    if (found && isIt(found)) return found;
  }
  for (const { database: other, name: notesTable, tool } of traces.notes) {
    if (!isSameName(other, database, caseSensitive)) continue;
    const as = partInChange(name, tool, notesTable, caseSensitive);
    if (as) return { database, name, tool, as, of: changedTable(notesTable) };
  }
  return null;
}

/** The table that a trigger proves to belong to a change. */
export function partByTrigger({ database, family, on, target }: ToolTrigger): ToolTable | null {
  const tool = 'pt-online-schema-change';
  // The swap is over, and took the triggers along with the table that was replaced.
  if (!isReverse(family) && !isFamilyOf(family, database, on)) return { database, name: on, tool, as: 'old' };
  const as = isReverse(family) ? 'old' : 'copy';
  return { ...target, tool, as, of: on, triggers: family };
}

/** Is there a table beside which a tool may have made this one? Then its proof may still be on its way. */
export function mayBePart({ database, name }: SourceTable, { tables, caseSensitive }: Traces): boolean {
  return (
    isToolName(name) &&
    tables.some(
      (other) =>
        isSameName(other.database, database, caseSensitive) && isMadeBeside(name, other.name, caseSensitive),
    )
  );
}
