import { setTimeout as delay } from 'node:timers/promises';
import { connectSource, type SourceConnection } from '../../mysql/connection.js';
import { clockOffset } from '../../mysql/server-facts.js';
import { endPosition } from '../../mysql/position.js';
import type { SourcePosition } from '../../shared/position.js';
import type { SourceSettings } from '../../shared/task.js';

const pollMs = 1000;
const lookMs = 100;
/** Clocks drift, and are set. */
const clockEveryMs = 60_000;

interface HeadRequest {
  ask(connection: SourceConnection): Promise<void>;
  fail(error: unknown): void;
}
const notAsked = () => new Error('the source is unavailable, or the run is over');

/** Where the source's binlog ends, asked once a second, and its clock. */
export class HeadMonitor {
  /** As last answered; null before. */
  end: SourcePosition | null = null;
  /** When `end` was asked, by the source's clock, µs since the epoch. */
  endAskedMicros = 0;

  constructor(
    private readonly settings: SourceSettings,
    private clockOffsetMicros: number,
    private readonly events: {
      answered(): void;
      /** Ten times a second while the source answers. */
      look(): void;
      /** It does not answer, or refuses us. The stream itself retries; this one only looks. */
      away(error: unknown): void;
    },
  ) {}

  /** The source's clock, µs since the epoch. */
  get nowMicros(): number {
    return Date.now() * 1000 + this.clockOffsetMicros;
  }

  private readonly requests: HeadRequest[] = [];
  private isOver = false;

  /** Asks something light between two looks. Rejects when the source is away, or the run is over. */
  ask<T>(work: (connection: SourceConnection) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.isOver) reject(notAsked());
      else this.requests.push({ ask: async (connection) => resolve(await work(connection)), fail: reject });
    });
  }

  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      let opened;
      try {
        const connection = (opened = await connectSource(this.settings));
        let clockAtMs = 0;
        while (!stop.aborted) {
          if (Date.now() - clockAtMs > clockEveryMs) {
            this.clockOffsetMicros = await connection.answering(() => clockOffset(connection), stop);
            clockAtMs = Date.now();
          }
          const askedMicros = this.nowMicros;
          this.end = await connection.answering(() => endPosition(connection), stop);
          this.endAskedMicros = askedMicros;
          this.events.answered();
          for (let next = this.requests.shift(); next; next = this.requests.shift()) {
            const { ask, fail } = next;
            await connection.answering(() => ask(connection), stop).catch(fail);
          }
          for (let waited = 0; waited < pollMs && !stop.aborted; waited += lookMs) {
            this.events.look();
            await delay(lookMs, undefined, { signal: stop });
          }
        }
      } catch (error) {
        if (!stop.aborted) this.events.away(error);
        await delay(pollMs, undefined, { signal: stop }).catch(() => undefined);
      } finally {
        await opened?.close();
        for (const { fail } of this.requests.splice(0)) fail(notAsked());
      }
    }
    this.isOver = true;
    for (const { fail } of this.requests.splice(0)) fail(notAsked());
  }
}
