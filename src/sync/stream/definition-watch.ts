import { setTimeout as delay } from 'node:timers/promises';
import { loadTables } from '../../mysql/catalog.js';
import type { SourceConnection } from '../../mysql/connection.js';
import type { TableDefinition } from '../../mysql/model.js';
import { endPosition } from '../../mysql/position.js';
import type { SourcePosition } from '../../shared/position.js';
import { catalogDifference } from './table-map-check.js';
import { isSameTable, type NamedTable } from '../mapping/plan.js';
import type { StreamTable } from './stream-context.js';

/** The stream whose tables are watched. */
export interface DefinitionHost {
  /** Tables that it follows now: another object after every change of one. */
  followed(): StreamTable[];
  ask<T>(work: (connection: SourceConnection) => Promise<T>): Promise<T>;
  /** Settles when everything before `end` is applied; false: `end` is another server's than the stream's. */
  reached(end: SourcePosition, signal: AbortSignal): Promise<boolean>;
  /** Its source describes the table otherwise, or has it no more. Settles when that is carried out. */
  differs(table: StreamTable, now: TableDefinition | null): Promise<void>;
}

/** Reading the catalog may take one part of so many of the time, and reads so many tables in a question. */
const share = 100;
const atOnce = 200;
const againMs = 1000;
const patience = 5;

/**
 * TABLE_MAP events describe a table before its rows alone, and not whole without binlog_row_metadata=FULL. So what is
 * believed is held against the catalog too, now and then, when the stream has passed what the source had by then
 * (correctness rule 13): what differs twice, while neither side has changed, no statement in the binlog explains.
 */
export class DefinitionWatch {
  /** The tables were compared once since the stream began, or could not be. */
  isThrough = false;

  /** It looks once in `everyMs`, or less often where the catalog is slow. */
  constructor(
    private readonly host: DefinitionHost,
    private readonly everyMs: number,
  ) {}

  /** Until `stop`. Never throws: a source that is away is for the stream to tell. */
  async run(stop: AbortSignal): Promise<void> {
    for (let failures = 0; !stop.aborted;) {
      const beganMs = Date.now();
      this.askedMs = 0;
      const isDone = await this.look(stop).then(
        () => true,
        () => false,
      );
      failures = isDone ? 0 : failures + 1;
      // What cannot be asked for now must not keep a run from its goal.
      if (isDone || failures > patience) this.isThrough = true;
      const restMs = isDone ? Math.max(this.everyMs, share * this.askedMs) : againMs;
      await delay(Math.max(0, beganMs + restMs - Date.now()), undefined, { signal: stop }).catch(
        () => undefined,
      );
    }
  }

  private askedMs = 0;

  private async look(stop: AbortSignal): Promise<void> {
    const first = await this.differing(this.host.followed(), stop);
    if (first.size === 0) return;
    const again = await this.differing([...first.keys()], stop);
    const followed = new Set(this.host.followed());
    for (const [table, now] of again) {
      // A statement that came between the two changed one side or the other.
      if (followed.has(table) && text(now) === text(first.get(table)!)) await this.host.differs(table, now);
    }
  }

  private async differing(
    tables: readonly StreamTable[],
    stop: AbortSignal,
  ): Promise<Map<StreamTable, TableDefinition | null>> {
    const found = new Map<StreamTable, TableDefinition>();
    let end: SourcePosition | null = null;
    for (let at = 0; at < tables.length; at += atOnce) {
      const some = tables.slice(at, at + atOnce);
      const names = some.map(({ plan: { definition } }) => ({
        database: definition.database,
        table: definition.name,
      }));
      end = await this.host.ask(async (connection) => {
        const askedMs = Date.now();
        const definitions = await loadTables(connection, names);
        for (const table of some) {
          const now = named(table.plan.definition, definitions);
          if (now) found.set(table, now);
        }
        this.askedMs += Date.now() - askedMs;
        return endPosition(connection);
      });
    }
    // After a switchover the one that was asked may lag behind the one that is followed.
    if (!end || !(await this.host.reached(end, stop))) return new Map();
    const followed = new Set(this.host.followed());
    const differing = new Map<StreamTable, TableDefinition | null>();
    for (const table of tables) {
      const now = found.get(table) ?? null;
      if (followed.has(table) && (!now || catalogDifference(table.plan.definition, now)))
        differing.set(table, now);
    }
    return differing;
  }
}

/** The one of that name, in that case where there are several. */
function named(table: TableDefinition, definitions: readonly TableDefinition[]): TableDefinition | undefined {
  const find = (other: NamedTable) => definitions.find((one) => isSameTable(one, other));
  return find({ ...table, caseSensitive: true }) ?? find(table);
}

const text = (definition: TableDefinition | null) =>
  JSON.stringify(definition && [definition.columns, definition.keys]);
