import type {
  ChunkRecord,
  DirtyDecision,
  NewDirtyRecord,
  TableRecord,
  TaskProgress,
  TaskStore,
} from '../../sync/store.js';
import type { Database } from './database.js';

interface DirtyIdentity {
  id: number;
  decision: DirtyDecision | null;
}

/** What replication keeps of one task, in the store of the engine. */
export class SqliteTaskStore implements TaskStore {
  constructor(
    private readonly database: Database,
    private readonly task: string,
  ) {}

  transaction<T>(work: () => T): T {
    return this.database.transaction(work);
  }

  progress(): TaskProgress | null {
    const row = this.database.get<{ progress: string }>(
      'SELECT progress FROM progress WHERE task = ?',
      this.task,
    );
    return row ? (JSON.parse(row.progress) as TaskProgress) : null;
  }

  saveProgress(progress: TaskProgress): void {
    this.database.run(
      'INSERT INTO progress (task, progress) VALUES (?, ?) ON CONFLICT (task) DO UPDATE SET progress = excluded.progress',
      this.task,
      JSON.stringify(progress),
    );
  }

  tables(): TableRecord[] {
    return this.database
      .all<{ record: string }>('SELECT record FROM source_table WHERE task = ? ORDER BY source', this.task)
      .map((row) => JSON.parse(row.record) as TableRecord);
  }

  saveTable(table: TableRecord): void {
    this.database.run(
      'INSERT INTO source_table (task, source, record) VALUES (?, ?, ?) ON CONFLICT (task, source) DO UPDATE SET record = excluded.record',
      this.task,
      table.source,
      JSON.stringify(table),
    );
  }

  removeTable(source: string): void {
    this.transaction(() => {
      this.database.run('DELETE FROM source_table WHERE task = ? AND source = ?', this.task, source);
      this.clearChunks(source);
    });
  }

  chunks(source: string): ChunkRecord[] {
    return this.database
      .all<{ bounds: string; done: number; row_count: number }>(
        'SELECT bounds, done, row_count FROM chunk WHERE task = ? AND source = ? ORDER BY number',
        this.task,
        source,
      )
      .map((row) => ({
        chunk: JSON.parse(row.bounds) as ChunkRecord['chunk'],
        done: row.done === 1,
        rows: row.row_count,
      }));
  }

  saveChunk(source: string, { chunk, done, rows }: ChunkRecord): void {
    this.database.run(
      `INSERT INTO chunk (task, source, number, bounds, done, row_count) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (task, source, number)
       DO UPDATE SET bounds = excluded.bounds, done = excluded.done, row_count = excluded.row_count`,
      this.task,
      source,
      chunk.index,
      JSON.stringify(chunk),
      done ? 1 : 0,
      rows,
    );
  }

  clearChunks(source: string): void {
    this.database.run('DELETE FROM chunk WHERE task = ? AND source = ?', this.task, source);
  }

  recordDirty(record: NewDirtyRecord): { id: string; decision: DirtyDecision | null } {
    // A replay meets the same row again: its record, and what was decided on it, stay as they are.
    this.database.run(
      `INSERT INTO dirty (task, identity, source, destination, operation, key, code, message, position, source_row, cells, at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (task, identity) DO NOTHING`,
      this.task,
      record.identity,
      record.source,
      record.destination,
      record.operation,
      record.key,
      record.code,
      record.message,
      record.position === null ? null : JSON.stringify(record.position),
      JSON.stringify(record.sourceRow),
      JSON.stringify(record.cells),
      record.atMs,
    );
    const kept = this.findDirty(record.identity);
    if (!kept) throw new Error('a dirty record was not kept');
    return kept;
  }

  findDirty(identity: string): { id: string; decision: DirtyDecision | null } | null {
    const row = this.database.get<DirtyIdentity>(
      'SELECT id, decision FROM dirty WHERE task = ? AND identity = ?',
      this.task,
      identity,
    );
    return row ? { id: String(row.id), decision: row.decision } : null;
  }

  isDirty(source: string, key: string): boolean {
    const row = this.database.get(
      'SELECT 1 AS found FROM dirty WHERE task = ? AND source = ? AND key = ? LIMIT 1',
      this.task,
      source,
      key,
    );
    return row !== undefined;
  }

  dirtyCount(): number {
    const row = this.database.get<{ n: number }>(
      'SELECT COUNT(*) AS n FROM dirty WHERE task = ? AND discarded = 0',
      this.task,
    );
    return row?.n ?? 0;
  }

  removeDirty(id: string): void {
    this.database.run('DELETE FROM dirty WHERE task = ? AND id = ?', this.task, Number(id));
  }

  appendXa(xid: string, piece: Uint8Array): void {
    this.database.run(
      `INSERT INTO xa_piece (task, xid, number, bytes)
       SELECT ?, ?, COALESCE(MAX(number), 0) + 1, ? FROM xa_piece WHERE task = ? AND xid = ?`,
      this.task,
      xid,
      piece,
      this.task,
      xid,
    );
  }

  xaPieces(xid: string): Uint8Array[] {
    return this.database
      .all<{ bytes: Uint8Array }>(
        'SELECT bytes FROM xa_piece WHERE task = ? AND xid = ? ORDER BY number',
        this.task,
        xid,
      )
      .map((row) => row.bytes);
  }

  removeXa(xid: string): void {
    this.database.run('DELETE FROM xa_piece WHERE task = ? AND xid = ?', this.task, xid);
  }

  clear(): void {
    this.transaction(() => {
      for (const table of ['progress', 'source_table', 'chunk', 'dirty', 'xa_piece']) {
        this.database.run(`DELETE FROM ${table} WHERE task = ?`, this.task);
      }
    });
  }
}
