import { setTimeout as delay } from 'node:timers/promises';
import { connectSource, type SourceConnection } from '../../mysql/connection.js';
import { atLeast } from '../../mysql/server-facts.js';
import type { SourceStrain } from '../../shared/snapshot.js';
import { RowferryError } from '../../shared/errors.js';
import type { ResolvedTask, SourceSettings } from '../../shared/task.js';
import { RateLimiter } from '../../tablestore/writer/throttle.js';
import type { TaskLog } from '../base/task-log.js';

type FullThrottle = ResolvedTask['throttle']['full'];

const lookEveryMs = 500;
/** Nothing was asked for so long: the load is over, and nobody has to look any more. */
const idleMs = 5_000;

/**
 * The way of the full load to the source: so many queries a second, and none while a person has paused the task or
 * the source is under strain (`throttle.full` in the task file). Every setting may change while readers wait.
 */
export class LoadThrottle {
  /** What keeps the load waiting just now, if it is the source. */
  strain: SourceStrain | null = null;
  private readonly limiter = new RateLimiter({ rowsPerSecond: null, megabytesPerSecond: null });
  private throttle!: FullThrottle;
  private paused = false;
  /** Queries of ours that run: they count as running threads, but are not what strains the source. */
  private asking = 0;
  private lastAskedMs = 0;
  private watching: Promise<void> | null = null;
  /** The source was looked at since the watch began. */
  private isLookedAt = false;
  private lagIsUnknown = false;
  private saidUnlooked = '';
  private readonly waiting = new Set<() => void>();

  constructor(
    private readonly source: SourceSettings,
    throttle: FullThrottle,
    private readonly signal: AbortSignal,
    private readonly log: TaskLog,
  ) {
    this.tune(throttle);
    signal.addEventListener('abort', () => {
      this.limiter.close();
      this.rouse();
    });
  }

  tune(throttle: FullThrottle): void {
    this.throttle = throttle;
    this.limiter.setRate({ rowsPerSecond: throttle.queriesPerSecond, megabytesPerSecond: null });
    if (!this.hasStrainLimit) this.strain = null;
    this.rouse();
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.rouse();
  }

  /** Settles when the task is not paused. Throws the signal's reason. */
  async opened(): Promise<void> {
    this.signal.throwIfAborted();
    while (this.paused) await this.change();
  }

  /** Runs one query of the load when it may be asked. Throws what it throws, or the signal's reason. */
  async query<T>(work: () => Promise<T>): Promise<T> {
    await this.calm();
    await this.limiter.take(() => ({ rows: 1, bytes: 0 }));
    await this.calm();
    this.asking++;
    try {
      return await work();
    } finally {
      this.asking--;
    }
  }

  private get hasStrainLimit(): boolean {
    const { maxThreadsRunning, maxReplicaLagSeconds } = this.throttle;
    return maxThreadsRunning !== null || maxReplicaLagSeconds !== null;
  }

  private async calm(): Promise<void> {
    for (;;) {
      await this.opened();
      this.lastAskedMs = Date.now();
      if (!this.hasStrainLimit) return;
      this.watching ??= this.watch();
      if (this.isLookedAt && this.strain === null) return;
      await this.change();
    }
  }

  /** Settles when anything changed that somebody may wait for. Throws the signal's reason. */
  private async change(): Promise<void> {
    await new Promise<void>((resolve) => this.waiting.add(resolve));
    this.signal.throwIfAborted();
  }

  private rouse(): void {
    for (const resolve of this.waiting) resolve();
    this.waiting.clear();
  }

  /** Looks at the source twice a second, for as long as there is a limit and somebody asks. */
  private async watch(): Promise<void> {
    let connection: SourceConnection | null = null;
    while (!this.signal.aborted && this.hasStrainLimit && this.isAsked) {
      try {
        connection ??= await connectSource(this.source);
        this.judge(await this.look(connection));
      } catch (error) {
        // The readers meet the same source, and report and retry; nobody shall wait for this look.
        this.unlooked(error);
        await connection?.close();
        connection = null;
        this.judge(null);
      }
      await delay(lookEveryMs, undefined, { signal: this.signal }).catch(() => undefined);
    }
    this.watching = null;
    this.isLookedAt = false;
    this.strain = null;
    this.rouse();
    await connection?.close();
  }

  private unlooked(error: unknown): void {
    if (!(error instanceof RowferryError) || error.code !== 'ROW-S114' || error.message === this.saidUnlooked)
      return;
    this.saidUnlooked = error.message;
    this.log.warn(
      `cannot read the load of the source, so the full load does not throttle itself: ${error.message}`,
    );
  }

  private get isAsked(): boolean {
    return this.asking > 0 || this.waiting.size > 0 || Date.now() - this.lastAskedMs < idleMs;
  }

  private async look(connection: SourceConnection): Promise<SourceStrain | null> {
    const { maxThreadsRunning, maxReplicaLagSeconds } = this.throttle;
    if (maxThreadsRunning !== null) {
      const [row] = await connection.query<{ Value: string }>("SHOW GLOBAL STATUS LIKE 'Threads_running'");
      // The session that asks, and our own readers, are not the strain.
      const actual = Math.max(0, Number(row?.Value ?? 0) - 1 - this.asking);
      if (actual > maxThreadsRunning) return { what: 'threads-running', actual, limit: maxThreadsRunning };
    }
    if (maxReplicaLagSeconds !== null && !this.lagIsUnknown) {
      const actual = await this.lag(connection);
      if (actual !== null && actual > maxReplicaLagSeconds)
        return { what: 'replica-lag', actual, limit: maxReplicaLagSeconds };
    }
    return null;
  }

  /** Seconds that the source, a replica, is behind; null when it is none, or does not know. */
  private async lag(connection: SourceConnection): Promise<number | null> {
    const statement = atLeast(await connection.facts(), 8, 0, 22)
      ? 'SHOW REPLICA STATUS'
      : 'SHOW SLAVE STATUS';
    try {
      const channels = await connection.query<Record<string, unknown>>(statement);
      const lags = channels.map((row) => row['Seconds_Behind_Source'] ?? row['Seconds_Behind_Master']);
      const known = lags.filter((one) => one !== null && one !== undefined).map(Number);
      return known.length === 0 ? null : Math.max(...known);
    } catch (error) {
      if (!(error instanceof RowferryError && error.code === 'ROW-S103')) throw error;
      this.lagIsUnknown = true;
      this.log.warn(`cannot enforce maxReplicaLagSeconds: ${error.message}`);
      return null;
    }
  }

  private judge(strain: SourceStrain | null): void {
    const before = this.strain;
    this.isLookedAt = true;
    this.strain = strain;
    if (strain && !before) {
      this.log.info(
        strain.what === 'threads-running'
          ? `full load paused: the source runs ${strain.actual} threads (limit ${strain.limit})`
          : `full load paused: the source lags by ${strain.actual} s (limit ${strain.limit} s)`,
      );
    } else if (!strain && before) this.log.info('full load resumed: the source has recovered');
    if (!strain) this.rouse();
  }
}
