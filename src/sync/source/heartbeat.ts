import { setTimeout as delay } from 'node:timers/promises';
import { connectSource, type SourceConnection } from '../../mysql/connection.js';
import type { BinlogHandler, BinlogTable, RowImage, RowKind } from '../../mysql/model.js';
import type { ResolvedTask } from '../../shared/task.js';
import type { SourceReader } from './retry.js';

/** The database of the heartbeat table, and the one that the statement of "statement" names, as DTS has it. */
export const heartbeatDatabase = { table: 'rowferry', statement: 'test' } as const;
const table = { database: heartbeatDatabase.table, name: 'heartbeat' };

const beatMs = { statement: 10_000, table: 1000 } as const;
/** A source that takes no beat now (read-only, away) is asked again after this long. */
const refusedMs = 10_000;

export interface HeartbeatOptions {
  task: Pick<ResolvedTask, 'id' | 'source' | 'heartbeat'>;
  log: { warn(text: string): void };
  reader: Pick<SourceReader, 'answered' | 'noRoom'>;
  /** The source's clock, µs since the epoch. */
  sourceMicros: () => number;
  /** Runs `then` once everything up to the end of the transaction that is being read is at the destination. */
  whenThrough: (then: () => void) => void;
}

/**
 * Writes to the source from time to time, so that its binlog moves on: by a statement, or into a table of one row a
 * task that carries the source's own time. A beat of the table is seen again in the stream, and when everything
 * before it is at the destination its age is the latency from end to end. Never fails a task.
 */
export class Heartbeat {
  private readonly stopping = new AbortController();
  private readonly own: Buffer;
  private beating: Promise<void> | undefined;
  /** Source time of the newest beat that is through, and how old it was then. */
  private through: { atMicros: number; latencyMicros: number } | undefined;
  /** Source time of the oldest beat that was written and is not through yet. */
  private outstandingMicros: number | undefined;

  constructor(private readonly options: HeartbeatOptions) {
    this.own = Buffer.from(options.task.id, 'latin1');
  }

  start(): void {
    const { heartbeat } = this.options.task;
    if (heartbeat !== 'none') this.beating ??= this.beat(heartbeat);
  }

  /** Ends the beats and takes the row of this task away; what cannot be taken away stays. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.beating;
  }

  /** Latency measured by the table, ms; null with another heartbeat, or before the first beat came through. */
  latencyMs(): number | null {
    if (!this.through) return null;
    const waiting =
      this.outstandingMicros === undefined ? 0 : this.options.sourceMicros() - this.outstandingMicros;
    return Math.max(0, Math.round(Math.max(this.through.latencyMicros, waiting) / 1000));
  }

  /** `handler`, with the beats of this task taken out of the stream on the way. */
  tap(handler: BinlogHandler): BinlogHandler {
    if (this.options.task.heartbeat !== 'table') return handler;
    return {
      transaction: (start) => handler.transaction(start),
      wants: (one) => isBeatTable(one) || handler.wants(one),
      row: (one, kind, before, after) => {
        if (isBeatTable(one)) this.seen(kind, after);
        // The table itself may be selected as well.
        if (!isBeatTable(one) || handler.wants(one)) handler.row(one, kind, before, after);
      },
      commit: (position) => handler.commit(position),
      xaPrepare: (xid, position) => handler.xaPrepare(xid, position),
      xaCommit: (xid, position) => handler.xaCommit(xid, position),
      xaRollback: (xid, position) => handler.xaRollback(xid, position),
      statement: (event) => handler.statement(event),
      heartbeat: (position) => handler.heartbeat(position),
    };
  }

  private seen(kind: RowKind, after: RowImage | null): void {
    if (kind === 'delete' || after === null) return;
    const { bytes, starts, ends } = after;
    if (starts[0]! < 0 || starts[1]! < 0 || ends[1]! - starts[1]! !== 8) return;
    if (!bytes.subarray(starts[0], ends[0]).equals(this.own)) return;
    const atMicros = Number(bytes.readBigInt64LE(starts[1]));
    this.options.whenThrough(() => {
      this.through = { atMicros, latencyMicros: this.options.sourceMicros() - atMicros };
      if (this.outstandingMicros !== undefined && this.outstandingMicros <= atMicros)
        this.outstandingMicros = undefined;
    });
  }

  private async beat(kind: 'statement' | 'table'): Promise<void> {
    const { signal } = this.stopping;
    let connection: SourceConnection | undefined;
    let said = false;
    while (!signal.aborted) {
      let pause: number = beatMs[kind];
      try {
        const isNew = !connection;
        const open = (connection ??= await connectSource(this.options.task.source));
        await open.answering(async () => {
          if (isNew && kind === 'table') await makeTable(open);
          if (kind === 'table') await this.write(open);
          else await open.query(`CREATE DATABASE IF NOT EXISTS \`${heartbeatDatabase.statement}\``);
        });
        said = false;
        this.options.reader.answered();
      } catch (error) {
        connection?.destroy();
        connection = undefined;
        pause = refusedMs;
        this.options.reader.noRoom(error);
        if (!said) this.options.log.warn(`cannot write the heartbeat: ${(error as Error).message}`);
        said = true;
      }
      await delay(pause, undefined, { signal, ref: false }).catch(() => undefined);
    }
    const open = connection;
    if (open && kind === 'table') {
      await open
        .answering(() =>
          open.query(`DELETE FROM \`${table.database}\`.\`${table.name}\` WHERE task = ?`, [
            this.options.task.id,
          ]),
        )
        .catch(() => undefined);
    }
    await open?.close();
  }

  private async write(connection: SourceConnection): Promise<void> {
    const now = this.options.sourceMicros();
    await connection.query(
      `REPLACE INTO \`${table.database}\`.\`${table.name}\` VALUES (?, CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED))`,
      [this.options.task.id],
    );
    // It may have come through before the answer did.
    if (this.through === undefined || this.through.atMicros < now) this.outstandingMicros ??= now;
  }
}

function isBeatTable({ database, name }: Pick<BinlogTable, 'database' | 'name'>): boolean {
  return database === table.database && name === table.name;
}

/** Statements that change nothing would still be written to the binlog, at each start. */
async function makeTable(connection: SourceConnection): Promise<void> {
  const found = await connection.query(
    'SELECT 1 FROM information_schema.tables WHERE table_schema = ? AND table_name = ?',
    [table.database, table.name],
  );
  if (found.length > 0) return;
  await connection.query(`CREATE DATABASE IF NOT EXISTS \`${table.database}\``);
  await connection.query(
    `CREATE TABLE IF NOT EXISTS \`${table.database}\`.\`${table.name}\` (
       task VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
       at_micros BIGINT NOT NULL)`,
  );
}
