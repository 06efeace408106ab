import { ABSENT_VALUE, CHANGED_VALUE, NULL_VALUE, OVERSIZE_VALUE } from '../../src/mysql/model.js';
import type {
  BinlogHandler,
  BinlogTable,
  RawStatement,
  RowImage,
  RowKind,
  TransactionStart,
} from '../../src/mysql/model.js';
import { BinlogStream } from '../../src/mysql/binlog/stream.js';
import type { SourcePosition } from '../../src/shared/position.js';
import { sourceSchema, type SourceSettings } from '../../src/shared/task.js';

/** Settings for the root account of a server of ours. */
export function settingsOf(server: { host: string; port: number }, more: object = {}): SourceSettings {
  return sourceSchema.parse({ host: server.host, port: server.port, user: 'root', ...more });
}

export type Value = Buffer | null | 'absent' | 'changed' | 'oversize';

export type Recorded =
  | { what: 'transaction'; start: TransactionStart }
  | { what: 'row'; table: BinlogTable; kind: RowKind; before: Value[] | null; after: Value[] | null }
  | { what: 'commit'; position: SourcePosition }
  | { what: 'xaPrepare' | 'xaCommit' | 'xaRollback'; xid: string; position: SourcePosition }
  | { what: 'statement'; database: string; sql: string; event: RawStatement }
  | { what: 'heartbeat'; position: SourcePosition };

/** The values of an image, copied out. */
export function valuesOf(image: RowImage, columns: number): Value[] {
  return Array.from({ length: columns }, (_, i) => {
    switch (image.starts[i]) {
      case NULL_VALUE:
        return null;
      case ABSENT_VALUE:
        return 'absent';
      case CHANGED_VALUE:
        return 'changed';
      case OVERSIZE_VALUE:
        return 'oversize';
      default:
        return Buffer.from(image.bytes.subarray(image.starts[i], image.ends[i]));
    }
  });
}

/** A stream whose events are written down, with ways to wait for them. */
export class Recorder implements BinlogHandler {
  readonly events: Recorded[] = [];
  readonly stream: BinlogStream;
  readonly running: Promise<void>;
  ended: { error: unknown } | null = null;
  onRow: (() => void) | null = null;
  #wakePending = false;
  #waiting: { test: () => boolean; resolve: () => void }[] = [];

  constructor(
    settings: SourceSettings,
    position: SourcePosition,
    private readonly database = 'test',
    heartbeatSeconds = 5,
  ) {
    this.stream = new BinlogStream(settings, { position, heartbeatSeconds, history: null }, this);
    this.running = this.stream.run().then(
      () => void (this.ended = { error: null }),
      (error: unknown) => void (this.ended = { error }),
    );
    void this.running.then(() => this.#wake());
  }

  #add(event: Recorded): void {
    this.events.push(event);
    if (this.#wakePending) return;
    this.#wakePending = true;
    setImmediate(() => {
      this.#wakePending = false;
      this.#wake();
    });
  }

  #wake(): void {
    this.#waiting = this.#waiting.filter(({ test, resolve }) => {
      if (!test()) return true;
      resolve();
      return false;
    });
  }

  /** Resolves when `test` holds; fails when the stream ended first, or after 20 s. */
  async until(test: () => boolean, what = 'the expected events'): Promise<void> {
    if (test()) return;
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([
      new Promise<void>((resolve) => this.#waiting.push({ test, resolve })),
      this.running.then(() => {
        if (!test()) throw this.ended?.error ?? new Error('the stream ended');
      }),
      new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), 20_000);
      }),
    ]).finally(() => clearTimeout(timer));
  }

  rows(name?: string): Extract<Recorded, { what: 'row' }>[] {
    return this.events.filter(
      (event): event is Extract<Recorded, { what: 'row' }> =>
        event.what === 'row' && (name === undefined || event.table.name === name),
    );
  }

  transaction(start: TransactionStart): void {
    this.#add({ what: 'transaction', start });
  }
  wants(table: BinlogTable): boolean {
    return table.database === this.database;
  }
  row(table: BinlogTable, kind: RowKind, before: RowImage | null, after: RowImage | null): void {
    this.onRow?.();
    this.#add({
      what: 'row',
      table,
      kind,
      before: before && valuesOf(before, table.columnCount),
      after: after && valuesOf(after, table.columnCount),
    });
  }
  commit(position: SourcePosition): void {
    this.#add({ what: 'commit', position });
  }
  xaPrepare(xid: string, position: SourcePosition): void {
    this.#add({ what: 'xaPrepare', xid, position });
  }
  xaCommit(xid: string, position: SourcePosition): void {
    this.#add({ what: 'xaCommit', xid, position });
  }
  xaRollback(xid: string, position: SourcePosition): void {
    this.#add({ what: 'xaRollback', xid, position });
  }
  statement(event: RawStatement): void {
    const sql = event.statement.toString('utf8');
    this.#add({ what: 'statement', database: event.database, sql, event });
  }
  heartbeat(position: SourcePosition): void {
    this.#add({ what: 'heartbeat', position });
  }
}
