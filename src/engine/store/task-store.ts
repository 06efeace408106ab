import type {
  AuditRecord,
  ChunkRecord,
  DecidedDirty,
  DestinationRecord,
  DirtyDecision,
  NewDirtyRecord,
  NewTableRecord,
  OpenDirty,
  TableRecord,
  TaskProgress,
  TaskStore,
  XaPart,
  XaPartKey,
} from '../../sync/state/task-store.js';
import { randomUUID } from 'node:crypto';
import type { SourcePosition } from '../../shared/position.js';
import type { RowLocator } from '../../sync/mapping/locator.js';
import { StaleRecord } from '../../sync/state/task-store.js';
import type { Database } from './database.js';
import { PendingDirty, putDirty } from './pending-dirty.js';

/** Records of earlier versions of the product have neither version nor life. */
function asRecord(text: string): TableRecord {
  return { version: 0, life: '', ...(JSON.parse(text) as Omit<TableRecord, 'version' | 'life'>) };
}

/** What replication keeps of one task, in the store of the engine. */
export class SqliteTaskStore implements TaskStore {
  readonly #pending: PendingDirty;

  constructor(
    private readonly database: Database,
    private readonly task: string,
  ) {
    this.#pending = PendingDirty.of(database, task);
  }

  transaction<T>(work: () => T): T {
    this.#pending.store();
    return this.database.transaction(work);
  }

  #run(...statement: Parameters<Database['run']>): ReturnType<Database['run']> {
    this.#pending.store();
    return this.database.run(...statement);
  }

  #get<T>(...statement: Parameters<Database['get']>): T | undefined {
    this.#pending.store();
    return this.database.get<T>(...statement);
  }

  #all<T>(...statement: Parameters<Database['all']>): T[] {
    this.#pending.store();
    return this.database.all<T>(...statement);
  }

  progress(): TaskProgress | null {
    const row = this.#get<{ progress: string }>('SELECT progress FROM progress WHERE task = ?', this.task);
    return row ? (JSON.parse(row.progress) as TaskProgress) : null;
  }

  saveProgress(progress: TaskProgress): void {
    this.#run(
      'INSERT INTO progress (task, progress) VALUES (?, ?) ON CONFLICT (task) DO UPDATE SET progress = excluded.progress',
      this.task,
      JSON.stringify(progress),
    );
  }

  tables(): TableRecord[] {
    return this.#all<{ record: string }>(
      'SELECT record FROM source_table WHERE task = ? ORDER BY source',
      this.task,
    ).map(({ record }) => asRecord(record));
  }

  table(source: string): TableRecord | undefined {
    const row = this.#get<{ record: string }>(
      'SELECT record FROM source_table WHERE task = ? AND source = ?',
      this.task,
      source,
    );
    return row && asRecord(row.record);
  }

  beginTable(table: NewTableRecord): TableRecord {
    const record: TableRecord = { ...table, version: 1, life: randomUUID() };
    this.#putTable(record);
    return record;
  }

  changeTable(
    read: Pick<TableRecord, 'source' | 'version' | 'life'>,
    changes: { [K in keyof TableRecord]?: TableRecord[K] | undefined },
  ): TableRecord {
    return this.transaction(() => {
      const now = this.table(read.source);
      if (now?.version !== read.version || now.life !== read.life)
        throw new StaleRecord(`another writer changed the record of ${read.source}`);
      const { source, version, life } = now;
      const record = { ...now, ...changes, source, version: version + 1, life } as TableRecord;
      for (const key of Object.keys(record) as (keyof TableRecord)[])
        if (record[key] === undefined) delete record[key];
      this.#putTable(record);
      return record;
    });
  }

  #putTable(table: TableRecord): void {
    this.#run(
      'INSERT INTO source_table (task, source, record) VALUES (?, ?, ?) ON CONFLICT (task, source) DO UPDATE SET record = excluded.record',
      this.task,
      table.source,
      JSON.stringify(table),
    );
  }

  removeTable(source: string): void {
    this.transaction(() => {
      this.#run('DELETE FROM source_table WHERE task = ? AND source = ?', this.task, source);
      this.clearChunks(source);
      this.#run('DELETE FROM audit WHERE task = ? AND source = ?', this.task, source);
    });
  }

  destinations(): DestinationRecord[] {
    return this.#all<{
      name: string;
      instance: string;
      created: number;
      creating: number;
      found_at_ms: number | null;
    }>(
      'SELECT name, instance, created, creating, found_at_ms FROM destination_table WHERE task = ? ORDER BY name',
      this.task,
    ).map(({ name, instance, created, creating, found_at_ms: foundAtMs }) => ({
      name,
      instance,
      created: created === 1,
      creating: creating === 1,
      foundAtMs,
    }));
  }

  saveDestination({ name, instance, created, creating, foundAtMs }: DestinationRecord): void {
    this.#run(
      `INSERT OR REPLACE INTO destination_table (task, name, instance, created, creating, found_at_ms)
       VALUES (?, ?, ?, ?, ?, ?)`,
      this.task,
      name,
      instance,
      created ? 1 : 0,
      creating ? 1 : 0,
      foundAtMs,
    );
  }

  removeDestination(name: string): void {
    this.#run('DELETE FROM destination_table WHERE task = ? AND name = ?', this.task, name);
  }

  audits(): AuditRecord[] {
    return this.#all<{ record: string }>(
      'SELECT record FROM audit WHERE task = ? ORDER BY source',
      this.task,
    ).map((row) => JSON.parse(row.record) as AuditRecord);
  }

  saveAudit(record: AuditRecord): void {
    this.#run(
      'INSERT OR REPLACE INTO audit (task, source, record) VALUES (?, ?, ?)',
      this.task,
      record.source,
      JSON.stringify(record),
    );
  }

  chunks(source: string): ChunkRecord[] {
    return this.#all<{ bounds: string; done: number; row_count: number; kept: number; dropped: number }>(
      'SELECT bounds, done, row_count, kept, dropped FROM chunk WHERE task = ? AND source = ? ORDER BY number',
      this.task,
      source,
    ).map((row) => ({
      chunk: JSON.parse(row.bounds) as ChunkRecord['chunk'],
      done: row.done === 1,
      rows: row.row_count,
      kept: row.kept,
      dropped: row.dropped,
    }));
  }

  saveChunk(source: string, { chunk, done, rows, kept, dropped }: ChunkRecord): void {
    this.#run(
      `INSERT INTO chunk (task, source, number, bounds, done, row_count, kept, dropped) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (task, source, number)
       DO UPDATE SET bounds = excluded.bounds, done = excluded.done, row_count = excluded.row_count,
         kept = excluded.kept, dropped = excluded.dropped`,
      this.task,
      source,
      chunk.index,
      JSON.stringify(chunk),
      done ? 1 : 0,
      rows,
      kept,
      dropped,
    );
  }

  clearChunks(source: string): void {
    this.#run('DELETE FROM chunk WHERE task = ? AND source = ?', this.task, source);
  }

  recordDirty(record: NewDirtyRecord): { id: string; decision: DirtyDecision | null } {
    return this.transaction(() => {
      putDirty(this.database, this.task, record);
      const { id, decision } = this.#get<{ id: number; decision: DirtyDecision | null }>(
        'SELECT id, decision FROM dirty WHERE task = ? AND identity = ?',
        this.task,
        record.identity,
      )!;
      return { id: String(id), decision };
    });
  }

  addDirty(record: NewDirtyRecord): number {
    this.#pending.add(record);
    return this.#pending.size;
  }

  storeDirty(most: number): number {
    this.#pending.store(most);
    return this.#pending.size;
  }

  dirtyDecisions(): Map<string, DecidedDirty> {
    const rows = this.#all<{
      id: number;
      identity: string;
      decision: DirtyDecision;
      locator: string | null;
    }>(
      'SELECT id, identity, decision, locator FROM dirty WHERE task = ? AND holds = 1 AND decision IS NOT NULL',
      this.task,
    );
    return new Map(
      rows.map(({ id, identity, decision, locator }) => [
        identity,
        {
          id: String(id),
          decision,
          locator: locator === null ? null : (JSON.parse(locator) as DecidedDirty['locator']),
        },
      ]),
    );
  }

  settleDirty(id: string): void {
    this.transaction(() => {
      this.#run("DELETE FROM dirty WHERE task = ? AND id = ? AND decision = 'retry'", this.task, Number(id));
      this.#run('UPDATE dirty SET holds = 0 WHERE task = ? AND id = ?', this.task, Number(id));
    });
  }

  settleLoaded(source: string): void {
    this.transaction(() => {
      const loaded = 'task = ? AND source = ? AND position IS NULL';
      this.#run(`DELETE FROM dirty WHERE ${loaded} AND decision = 'retry'`, this.task, source);
      this.#run(`UPDATE dirty SET holds = 0 WHERE ${loaded} AND decision = 'skip'`, this.task, source);
    });
  }

  clearDirty(source: string): void {
    this.#run('DELETE FROM dirty WHERE task = ? AND source = ?', this.task, source);
  }

  isDirty(source: string, keyHash: string, rowHash: string): boolean {
    const row = this.#get(
      'SELECT 1 AS found FROM dirty WHERE task = ? AND source = ? AND key_hash = ? AND row_hash = ? LIMIT 1',
      this.task,
      source,
      keyHash,
      rowHash,
    );
    return row !== undefined;
  }

  dirtySources(): string[] {
    return this.#all<{ source: string }>(
      'SELECT DISTINCT source FROM dirty WHERE task = ? AND holds = 0',
      this.task,
    ).map(({ source }) => source);
  }

  hasOpenDirty(source: string): boolean {
    const found = this.#get(
      'SELECT 1 AS found FROM dirty WHERE task = ? AND source = ? AND holds = 0 LIMIT 1',
      this.task,
      source,
    );
    return found !== undefined;
  }

  dirtyOfTransaction(source: string, name: string): string[] {
    // Of the index on identities: what begins with these words and a space.
    const own = `${source} ${name}`;
    return this.#all<{ id: number }>(
      'SELECT id FROM dirty WHERE task = ? AND holds = 0 AND identity > ? AND identity < ?',
      this.task,
      `${own} `,
      `${own}!`,
    ).map(({ id }) => String(id));
  }

  openDirty(source: string, keyHashes: readonly string[]): OpenDirty[] {
    const stored = this.database
      .all<{
        id: number;
        identity: string;
        key_hash: string;
        position: string | null;
        locator: string | null;
      }>(
        `SELECT id, identity, key_hash, position, locator FROM dirty
         WHERE task = ? AND source = ? AND holds = 0 AND key_hash IN (SELECT value FROM json_each(?))`,
        this.task,
        source,
        JSON.stringify(keyHashes),
      )
      .map(({ id, identity, key_hash: keyHash, position, locator }) => ({
        id: String(id),
        identity,
        keyHash,
        position: position === null ? null : (JSON.parse(position) as SourcePosition),
        locator: locator === null ? null : (JSON.parse(locator) as OpenDirty['locator']),
      }));
    return [...stored, ...this.#pending.open(source, keyHashes)];
  }

  removeOpenDirty(source: string): void {
    this.#run('DELETE FROM dirty WHERE task = ? AND source = ? AND holds = 0', this.task, source);
  }

  removeDirty(ids: readonly string[]): void {
    const stored = this.#pending.remove(ids);
    if (stored.length === 0) return;
    this.database.run(
      'DELETE FROM dirty WHERE task = ? AND holds = 0 AND id IN (SELECT value FROM json_each(?))',
      this.task,
      JSON.stringify(stored.map(Number)),
    );
  }

  undecidedDirty(): number {
    const row = this.#get<{ n: number }>(
      'SELECT COUNT(*) AS n FROM dirty WHERE task = ? AND holds = 1 AND decision IS NULL',
      this.task,
    );
    return row?.n ?? 0;
  }

  dirtyCount(): number {
    return [...this.dirtyCounts().values()].reduce((sum, open) => sum + open, 0);
  }

  dirtyCounts(): Map<string, number> {
    const rows = this.#all<{ source: string; n: number }>(
      'SELECT source, SUM(open) AS n FROM dirty_figure WHERE task = ? GROUP BY source HAVING n > 0',
      this.task,
    );
    return new Map(rows.map(({ source, n }) => [source, n]));
  }

  dirtyRowsOf(source: string): (RowLocator | null)[] {
    return this.#all<{ locator: string | null }>(
      `SELECT MAX(locator) AS locator FROM dirty
         WHERE task = ? AND source = ? AND operation <> 'DELETE' GROUP BY key_hash`,
      this.task,
      source,
    ).map(({ locator }) => (locator === null ? null : (JSON.parse(locator) as RowLocator)));
  }

  pruneDirty(
    limits: { keepDays: number | null; maxMegabytes: number },
    nowMs: number,
  ): { expired: number; tooMany: number } {
    return this.transaction(() => {
      const expired =
        limits.keepDays === null
          ? 0
          : this.#run(
              'DELETE FROM dirty WHERE task = ? AND holds = 0 AND at_ms < ?',
              this.task,
              nowMs - limits.keepDays * 86_400_000,
            ).changes;
      let tooMany = 0;
      for (const discarded of [1, 0]) {
        while (this.#dirtyBytes() > limits.maxMegabytes * 1_000_000) {
          // In the order of the index: sorted anew each time, many records would take seconds.
          const { changes } = this.#run(
            `DELETE FROM dirty WHERE id IN (
               SELECT id FROM dirty INDEXED BY dirty_shown WHERE task = ? AND discarded = ? AND holds = 0 ORDER BY id LIMIT 20)`,
            this.task,
            discarded,
          );
          if (changes === 0) break;
          tooMany += changes;
        }
      }
      return { expired, tooMany };
    });
  }

  #dirtyBytes(): number {
    return (
      this.#get<{ n: number | null }>('SELECT SUM(bytes) AS n FROM dirty_figure WHERE task = ?', this.task)
        ?.n ?? 0
    );
  }

  xaParts(): XaPart[] {
    return this.#all<XaPart & Record<string, string>>(
      'SELECT xid, place, source, state FROM xa_part WHERE task = ?',
      this.task,
    );
  }

  saveXa({ xid, place, source, state }: XaPart): void {
    this.#run(
      'INSERT OR REPLACE INTO xa_part (task, xid, place, source, state) VALUES (?, ?, ?, ?, ?)',
      this.task,
      xid,
      place,
      source,
      state,
    );
  }

  removeXa({ xid, place, source }: XaPartKey): void {
    this.transaction(() => {
      for (const table of ['xa_part', 'xa_rows']) {
        this.#run(
          `DELETE FROM ${table} WHERE task = ? AND xid = ? AND place = ? AND source = ?`,
          this.task,
          xid,
          place,
          source,
        );
      }
    });
  }

  appendXa({ xid, place, source }: XaPartKey, number: number, piece: Uint8Array): void {
    this.#run(
      'INSERT INTO xa_rows (task, xid, place, source, number, bytes) VALUES (?, ?, ?, ?, ?, ?)',
      this.task,
      xid,
      place,
      source,
      number,
      piece,
    );
  }

  xaPiece({ xid, place, source }: XaPartKey, number: number): Uint8Array | null {
    const row = this.#get<{ bytes: Uint8Array }>(
      'SELECT bytes FROM xa_rows WHERE task = ? AND xid = ? AND place = ? AND source = ? AND number = ?',
      this.task,
      xid,
      place,
      source,
      number,
    );
    return row?.bytes ?? null;
  }

  loseXa(source: string): void {
    this.transaction(() => {
      this.#run('DELETE FROM xa_rows WHERE task = ? AND source = ?', this.task, source);
      this.#run('DELETE FROM xa_part WHERE task = ? AND source = ?', this.task, source);
      this.#run(
        `INSERT INTO xa_part (task, xid, place, source, state)
         SELECT task, xid, place, ?, 'lost' FROM xa_part WHERE task = ? AND source = ''`,
        source,
        this.task,
      );
    });
  }

  isWriting(): boolean {
    return this.#get('SELECT 1 AS found FROM writing WHERE task = ?', this.task) !== undefined;
  }

  setWriting(writing: boolean): void {
    this.#run(
      writing ? 'INSERT OR IGNORE INTO writing (task) VALUES (?)' : 'DELETE FROM writing WHERE task = ?',
      this.task,
    );
  }

  reset(): void {
    this.transaction(() => {
      for (const table of ['progress', 'chunk', 'dirty', 'xa_part', 'xa_rows', 'audit']) this.empty(table);
    });
  }

  clear(): void {
    this.transaction(() => {
      this.reset();
      this.empty('source_table');
    });
  }

  private empty(table: string): void {
    this.#run(`DELETE FROM ${table} WHERE task = ?`, this.task);
  }
}
