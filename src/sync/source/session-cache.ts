import type { SessionPurpose, SourceConnection } from '../../mysql/connection.js';
import type { SourceSettings } from '../../shared/task.js';
import { connectForRows, type Known } from './row-sessions.js';
import { Turns } from '../base/turns.js';

/** A connection that nobody asked anything for so long is closed. */
const idleMs = 3000;

/**
 * Short questions about single rows. To connect takes ten times as long as to ask, so a connection of each purpose is
 * kept for the next question; one that failed is not. There are never more than `most`: the others wait for their turn.
 */
export class SessionCache {
  private readonly kept = new Map<SessionPurpose, { connection: SourceConnection; timer: NodeJS.Timeout }>();
  private readonly turns: Turns;
  private closed = false;

  constructor(
    private readonly settings: SourceSettings,
    private readonly most: number,
    private readonly known: Known,
  ) {
    this.turns = new Turns(most);
  }

  /** Throws what connectForRows and `work` throw. `work` may ask once more when `most` is more than are asked so. */
  ask<T>(purpose: SessionPurpose, work: (connection: SourceConnection) => Promise<T>): Promise<T> {
    return this.turns.run(async () => {
      const connection = await this.connect(purpose);
      let answer: T;
      try {
        answer = await work(connection);
      } catch (error) {
        await connection.close();
        throw error;
      }
      if (this.closed || this.kept.has(purpose)) await connection.close();
      else {
        const timer = setTimeout(() => void this.take(purpose)?.close(), idleMs);
        this.kept.set(purpose, { connection, timer });
      }
      return answer;
    });
  }

  private async connect(purpose: SessionPurpose): Promise<SourceConnection> {
    const kept = this.take(purpose);
    if (kept) return kept;
    // One that is kept for another purpose takes the room.
    if (this.turns.taken + this.kept.size > this.most) {
      const [other] = this.kept.keys();
      if (other !== undefined) await this.take(other)?.close();
    }
    return connectForRows(this.settings, purpose, this.known);
  }

  /** What is being asked comes to its end; nothing is kept after it. */
  async close(): Promise<void> {
    this.closed = true;
    await this.reconnect();
  }

  /** Further questions are asked of the server that is connected to now, not of the one before. */
  async reconnect(): Promise<void> {
    const kept = [...this.kept.keys()].flatMap((purpose) => this.take(purpose) ?? []);
    await Promise.all(kept.map((connection) => connection.close()));
  }

  private take(purpose: SessionPurpose): SourceConnection | undefined {
    const kept = this.kept.get(purpose);
    this.kept.delete(purpose);
    clearTimeout(kept?.timer);
    return kept?.connection;
  }
}
