import { createServer, type Server } from 'node:http';
import { Counter, Gauge, Registry } from 'prom-client';
import { RowferryError } from '../shared/errors.js';
import { refusalOf } from '../shared/http-guard.js';
import { isEveryTableStopped, stoppedTables } from '../shared/stopped-tables.js';
import type { TaskSnapshot } from '../shared/snapshot.js';

/** Longer without a snapshot than this, ms, and the engine is taken for dead. */
const staleMs = 15_000;

/**
 * Prometheus text at /metrics, health at /healthz: 200 while the task works or waits for a retry, 503 when it has
 * failed, is blocked, all its tables have stopped, or nothing was heard of it. Throws ROW-E103 when the port is in use.
 */
export class MetricsServer {
  readonly #registry = new Registry();
  #snapshot: TaskSnapshot | undefined;
  #server: Server | undefined;

  constructor() {
    this.#define();
  }

  see(snapshot: TaskSnapshot): void {
    this.#snapshot = snapshot;
  }

  /**
   * The port that it listens on; `port` may be 0. `host` is 127.0.0.1 unless told otherwise. It answers under names of
   * this machine, under that of `host` and those of `hosts` (refusalOf()).
   */
  async listen(port: number, host = '127.0.0.1', hosts: readonly string[] = []): Promise<number> {
    const server = createServer((request, response) => {
      const refusal = refusalOf(request.headers, [host, ...hosts]);
      if (refusal !== null) {
        response.writeHead(403, { 'content-type': 'text/plain; charset=utf-8' });
        response.end(`${refusal} See rowferry run --help, --metrics-hosts.\n`);
        return;
      }
      void this.#answer(request.url ?? '/').then(({ status, type, body }) => {
        response.writeHead(status, { 'content-type': type });
        response.end(request.method === 'HEAD' ? undefined : body);
      });
    });
    this.#server = server;
    try {
      await new Promise<void>((done, failed) => {
        server.once('error', failed);
        server.listen(port, host, done);
      });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const what =
        code === 'EADDRINUSE'
          ? `Port ${port} for --metrics is in use.`
          : `Cannot listen on ${host}:${port} for --metrics (${code}).`;
      throw new RowferryError('ROW-E103', what, {
        remedy: 'Choose another port with --metrics [HOST:]PORT.',
      });
    }
    server.unref();
    const address = server.address();
    return typeof address === 'object' && address ? address.port : port;
  }

  close(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
  }

  async #answer(url: string): Promise<{ status: number; type: string; body: string }> {
    const path = url.split('?')[0];
    if (path === '/metrics') {
      return { status: 200, type: this.#registry.contentType, body: await this.#registry.metrics() };
    }
    if (path === '/healthz') {
      const { healthy, text } = this.#health();
      return { status: healthy ? 200 : 503, type: 'text/plain; charset=utf-8', body: `${text}\n` };
    }
    return { status: 404, type: 'text/plain; charset=utf-8', body: 'see /metrics and /healthz\n' };
  }

  #health(): { healthy: boolean; text: string } {
    const snapshot = this.#snapshot;
    if (!snapshot) return { healthy: true, text: 'starting' };
    if (Date.now() - snapshot.atMs > staleMs) return { healthy: false, text: 'no status from the engine' };
    const ill = snapshot.state === 'failed' || snapshot.state === 'blocked' || isEveryTableStopped(snapshot);
    const state = snapshot.error ? `${snapshot.state}: ${snapshot.error.code}` : snapshot.state;
    const stopped = stoppedTables(snapshot).map(({ source }) => source);
    return { healthy: !ill, text: stopped.length > 0 ? `stopped ${stopped.join(', ')}\n${state}` : state };
  }

  /** Every figure is read from the newest snapshot when it is asked for. */
  #define(): void {
    const registers = [this.#registry];
    const gauge = <L extends string>(
      name: string,
      help: string,
      labelNames: L[],
      set: (gauge: Gauge<L>, s: TaskSnapshot) => void,
    ) => {
      const snapshot = () => this.#snapshot;
      new Gauge({
        name,
        help,
        labelNames,
        registers,
        collect() {
          const now = snapshot();
          this.reset();
          if (now) set(this, now);
        },
      });
    };
    const snapshot = () => this.#snapshot;
    new Counter({
      name: 'rowferry_rows_total',
      help: 'Rows written to Tablestore; op="load" is the full load.',
      labelNames: ['task', 'table', 'op'],
      registers,
      collect() {
        const now = snapshot();
        this.reset();
        for (const { table, op, rows } of now ? rowCounts(now) : [])
          this.inc({ task: now!.name, table, op }, rows);
      },
    });
    gauge(
      'rowferry_latency_seconds',
      'Time from commit at the source to the write; absent while unknown.',
      ['task'],
      (g, s) => {
        if (s.latencyMs !== null) g.set({ task: s.name }, s.latencyMs / 1000);
      },
    );
    gauge(
      'rowferry_lag_transactions',
      'Transactions of the source that are not applied yet; absent without GTIDs.',
      ['task'],
      (g, s) => {
        if (typeof s.lagTransactions === 'number') g.set({ task: s.name }, s.lagTransactions);
      },
    );
    gauge(
      'rowferry_rows_per_second',
      'Rows written per second, averaged over the last few seconds.',
      ['task'],
      (g, s) => g.set({ task: s.name }, s.rowsPerSecond),
    );
    gauge(
      'rowferry_bytes_per_second',
      'Bytes written per second, averaged over the last few seconds.',
      ['task'],
      (g, s) => g.set({ task: s.name }, s.bytesPerSecond),
    );
    gauge(
      'rowferry_dirty_records',
      'Dirty records that are waiting for a decision or were skipped.',
      ['task'],
      (g, s) => g.set({ task: s.name }, s.dirty),
    );
    gauge(
      'rowferry_audit_rows',
      'Rows compared by the audit in all passes; absent without an audit.',
      ['task', 'table'],
      (g, s) => {
        for (const { source, audit } of s.tables)
          if (audit) g.set({ task: s.name, table: source }, audit.rows);
      },
    );
    gauge(
      'rowferry_audit_differences',
      'Rows that the audit found to differ; absent without an audit.',
      ['task', 'table'],
      (g, s) => {
        for (const { source, audit } of s.tables)
          if (audit) g.set({ task: s.name, table: source }, audit.differences);
      },
    );
    gauge(
      'rowferry_audit_repaired_rows',
      'Rows repaired by the audit; absent without an audit.',
      ['task', 'table'],
      (g, s) => {
        for (const { source, audit } of s.tables)
          if (audit) g.set({ task: s.name, table: source }, audit.repaired);
      },
    );
    gauge(
      'rowferry_audit_pass_timestamp_seconds',
      'End of the last complete audit pass; absent until then.',
      ['task', 'table'],
      (g, s) => {
        for (const { source, audit } of s.tables)
          if (audit?.pass) g.set({ task: s.name, table: source }, audit.pass.finishedMs / 1000);
      },
    );
    gauge(
      'rowferry_table_stopped',
      '1 for a table that has stopped and is no longer kept up to date, otherwise 0.',
      ['task', 'table'],
      (g, s) => {
        const stopped = new Set(stoppedTables(s));
        for (const t of s.tables) g.set({ task: s.name, table: t.source }, stopped.has(t) ? 1 : 0);
      },
    );
    gauge(
      'rowferry_table_estimated_rows',
      'Estimated rows of a table, from the statistics of the source.',
      ['task', 'table'],
      (g, s) => {
        for (const t of s.tables)
          if (t.estimatedRows !== null) g.set({ task: s.name, table: t.source }, t.estimatedRows);
      },
    );
    gauge('rowferry_state', '1 for the current state of the task.', ['task', 'state', 'phase'], (g, s) =>
      g.set({ task: s.name, state: s.state, phase: s.phase }, 1),
    );
    gauge(
      'rowferry_caught_up',
      '1 when all changes of the source are applied, except for stopped tables; 0 when all tables have stopped.',
      ['task'],
      (g, s) => g.set({ task: s.name }, s.caughtUp ? 1 : 0),
    );
    gauge('rowferry_retry_attempt', 'Current retry attempt, 0 when not retrying.', ['task'], (g, s) =>
      g.set({ task: s.name }, s.retry?.attempt ?? 0),
    );
    gauge(
      'rowferry_checkpoint_commit_timestamp_seconds',
      'Source commit time up to which all changes are applied.',
      ['task'],
      (g, s) => {
        if (s.position?.commitMicros !== undefined) g.set({ task: s.name }, s.position.commitMicros / 1e6);
      },
    );
    gauge('rowferry_engine_resident_memory_bytes', 'Resident memory of the engine.', ['task'], (g, s) =>
      g.set({ task: s.name }, s.engineRss),
    );
  }
}

function rowCounts({ tables, rows }: TaskSnapshot): { table: string; op: string; rows: number }[] {
  const counts = tables.flatMap((table) => [
    { table: table.source, op: 'load', rows: table.rows },
    ...(table.changes
      ? [
          { table: table.source, op: 'insert', rows: table.changes.inserted },
          { table: table.source, op: 'update', rows: table.changes.updated },
          { table: table.source, op: 'delete', rows: table.changes.deleted },
        ]
      : []),
  ]);
  if (tables.some((table) => table.changes)) return counts;
  return [
    ...counts,
    { table: '', op: 'insert', rows: rows.inserted },
    { table: '', op: 'update', rows: rows.updated },
    { table: '', op: 'delete', rows: rows.deleted },
  ];
}
