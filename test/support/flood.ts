import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { EngineConnection } from '../../src/engine/ipc/client.js';
import type { ResolvedTask } from '../../src/shared/task.js';
import { TablestoreClient } from '../../src/tablestore/client/client.js';
import { getRow } from '../../src/tablestore/client/operations.js';
import { prepareName, RowWriter } from '../../src/tablestore/wire/row-writer.js';
import type { MysqlServer } from './mysql-server.js';

/** Milliseconds of many waits. */
export class Waits {
  private readonly all: number[] = [];
  add(ms: number): void {
    this.all.push(ms);
  }
  at(share: number): number {
    const sorted = [...this.all].sort((a, b) => a - b);
    return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
  }
  get max(): number {
    return this.at(1);
  }
  toString(): string {
    return `p50 ${this.at(0.5)} ms, p99 ${this.at(0.99)} ms, max ${this.max} ms (${this.all.length})`;
  }
}

const perWrite = 35;
const id = prepareName('id');

/**
 * Writes 700 rows/s into `table` (id BIGINT PRIMARY KEY, note) until `over`, and measures from the commit of every write
 * to when its last row is at the destination.
 */
export async function writeSteadily(
  mysql: MysqlServer,
  task: ResolvedTask,
  table: string,
  over: AbortSignal,
): Promise<{ lags: Waits; rows: number }> {
  const connection = await mysql.connect();
  const client = new TablestoreClient(task.destination);
  const lags = new Waits();
  const waiting: { id: number; atMs: number }[] = [];
  let rows = 0;
  let isWriting = true;
  const watch = async () => {
    while (isWriting || waiting.length > 0) {
      const next = waiting[0];
      if (next && (await getRow(client, table.split('.')[1]!, keyOf(next.id)))) {
        lags.add(performance.now() - next.atMs);
        waiting.shift();
      } else await delay(5);
    }
  };
  const watching = watch();
  const beganMs = performance.now();
  while (!over.aborted) {
    const values = Array.from({ length: perWrite }, () => `(${++rows}, 'a note about row ${rows}')`);
    await connection.query(`INSERT INTO ${table} VALUES ${values.join()}`);
    waiting.push({ id: rows, atMs: performance.now() });
    await delay(Math.max(0, beganMs + (rows / 700) * 1000 - performance.now()));
  }
  isWriting = false;
  await watching;
  client.close();
  await connection.end();
  return { lags, rows };
}

function keyOf(value: number): Buffer {
  const writer = new RowWriter(64);
  writer.beginRow();
  writer.key(id).integer(value);
  writer.endRow();
  return writer.copyRow();
}

/** Asks the engine for snapshots, and for pages of dirty records, again and again until `over`. */
export async function askSteadily(
  { api }: EngineConnection,
  task: string,
  over: AbortSignal,
): Promise<{ answers: Waits; pages: Waits }> {
  const answers = new Waits();
  const pages = new Waits();
  const ask = async (waits: Waits, everyMs: number, work: () => Promise<unknown>) => {
    while (!over.aborted) {
      const askedMs = performance.now();
      await work();
      waits.add(performance.now() - askedMs);
      await delay(everyMs);
    }
  };
  let total = 0;
  await Promise.all([
    ask(answers, 20, () => api.lastCheck(task)),
    ask(pages, 200, async () => {
      const offset = Math.floor(Math.random() * total);
      ({ total } = await api.dirtyRecords(task, {}, { offset, limit: 100 }));
    }),
  ]);
  return { answers, pages };
}
