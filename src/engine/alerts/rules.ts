import { createHmac } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Backoff } from '../../shared/backoff.js';
import type { Alert } from '../../shared/alert.js';
import type { TableProgress, TaskSnapshot } from '../../shared/snapshot.js';
import { isStopped } from '../../shared/stopped-tables.js';
import type { ResolvedTask } from '../../shared/task.js';
import { incidentKey, type Incident } from './incident.js';
import type { Log } from '../base/log.js';

/** In between: whether an incident of before is over is not known yet. */
const undecided = new Set<TaskSnapshot['state']>(['starting', 'stopping', 'waiting-for-credentials']);

const isOver = new Set<TaskSnapshot['state']>(['stopped', 'completed']);
/** A failure or a block is over when the task has worked for so long. */
const wellForMs = 5000;
const foundForMs = 10_000;

/**
 * Watches the snapshots of one task and tells each incident once when it begins and once when it is over:
 * failure, blocked by dirty data, each table that stops, rows that the audit found to differ, and latency over the
 * threshold for as long as the task says. `open`: incidents that an earlier engine told.
 */
export class AlertWatch {
  readonly #open: Map<string, Alert>;
  #slowSinceMs: number | undefined;
  #wellSinceMs: number | undefined;

  constructor(
    private readonly tell: (alert: Alert) => void,
    open: readonly Alert[] = [],
  ) {
    this.#open = new Map(open.map((alert) => [incidentKey(alert), alert]));
  }

  /** Called with each new snapshot. `settings`: what the task says now. */
  see(snapshot: TaskSnapshot, settings: ResolvedTask['alerts']): void {
    const { state, atMs } = snapshot;
    if (undecided.has(state)) return;
    const ill = state === 'failed' || state === 'blocked';
    if (ill) this.#wellSinceMs = undefined;
    else this.#wellSinceMs ??= atMs;
    // A service that is started again and again, and fails each time, fails once.
    const well = !ill && (isOver.has(state) || atMs - this.#wellSinceMs! >= wellForMs);
    if (ill || well) this.#illness(snapshot, settings);
    this.#latency(snapshot, settings);
    this.#difference(snapshot, settings);
    this.#stoppedTables(snapshot, settings);
  }

  /**
   * A stop is over when the table is kept up to date again, not while it is loaded for that; a table that stops for
   * another reason has stopped anew.
   */
  #stoppedTables(snapshot: TaskSnapshot, settings: ResolvedTask['alerts']): void {
    const gone = new Map([...this.#open].filter(([, { kind }]) => kind === 'stopped-table'));
    for (const table of snapshot.tables) {
      const { source, destination, problem, phase } = table;
      const what: Incident = { kind: 'stopped-table', table: { source, destination } };
      const key = incidentKey(what);
      gone.delete(key);
      const stands = settings.onFailure && isStopped(table);
      if (stands) {
        const told = this.#open.get(key);
        if (told && told.error?.message !== problem?.message) this.#open.delete(key);
      } else if (settings.onFailure && phase !== 'incremental' && phase !== 'done') continue;
      this.#incident(what, stands, snapshot, () => stopMessage(table), problem);
    }
    for (const alert of gone.values()) this.#incident(alert, false, snapshot, () => '');
  }

  /** What is put right at once was there all the same: it is told for a while. */
  #difference(snapshot: TaskSnapshot, settings: ResolvedTask['alerts']): void {
    const { audit, tables, atMs } = snapshot;
    const stands = (audit?.differences ?? 0) > 0;
    const wasFound = audit?.lastFoundMs != null && atMs - audit.lastFoundMs < foundForMs;
    this.#incident({ kind: 'difference' }, settings.onFailure && (stands || wasFound), snapshot, () => {
      const count = audit?.differences ?? 0;
      const table = tables.find((one) => (one.audit?.differences ?? 0) > 0);
      const [first] = table?.audit?.first ?? [];
      if (!table || !first) return 'The audit found and repaired different rows.';
      const named = `${table.source}, ${first.key} (${first.kind})`;
      return count === 1
        ? `The audit found a different row: ${named}.`
        : `The audit found ${count} different rows. The first is ${named}.`;
    });
  }

  #illness(snapshot: TaskSnapshot, settings: ResolvedTask['alerts']): void {
    const { state } = snapshot;
    this.#incident(
      { kind: 'failed' },
      settings.onFailure && state === 'failed',
      snapshot,
      () => snapshot.error?.message ?? 'The task failed.',
    );
    this.#incident(
      { kind: 'blocked' },
      settings.onFailure && state === 'blocked',
      snapshot,
      () => 'A row cannot be written. The task is waiting for your decision.',
    );
  }

  #latency(snapshot: TaskSnapshot, settings: ResolvedTask['alerts']): void {
    const { state, latencyMs, atMs } = snapshot;
    const threshold = settings.latencySeconds;
    const rests = threshold === null || state === 'stopped' || state === 'completed';
    // Unknown is neither: a task that restarts keeps its incident until it knows better.
    if (latencyMs === null && !rests && this.#open.has('latency')) return;
    const slow = !rests && latencyMs !== null && latencyMs > threshold * 1000;
    if (!slow) this.#slowSinceMs = undefined;
    else this.#slowSinceMs ??= atMs;
    const long =
      this.#slowSinceMs !== undefined && atMs - this.#slowSinceMs >= settings.latencyForSeconds * 1000;
    this.#incident({ kind: 'latency' }, long || (slow && this.#open.has('latency')), snapshot, () => {
      return `Latency is ${Math.round((latencyMs ?? 0) / 1000)} s. It has been above ${threshold} s for ${settings.latencyForSeconds} s.`;
    });
  }

  #incident(
    what: Incident,
    there: boolean,
    snapshot: TaskSnapshot,
    message: () => string,
    error = snapshot.error,
  ): void {
    const key = incidentKey(what);
    const open = this.#open.get(key);
    if (there && !open) {
      const alert: Alert = {
        kind: what.kind,
        ...(what.table && { table: what.table }),
        state: 'open',
        task: { id: snapshot.id, name: snapshot.name },
        atMs: snapshot.atMs,
        message: message(),
        ...(error && { error }),
        latencyMs: snapshot.latencyMs,
      };
      this.#open.set(key, alert);
      this.tell(alert);
    } else if (!there && open) {
      this.#open.delete(key);
      this.tell({
        ...open,
        state: 'over',
        atMs: snapshot.atMs,
        openedMs: open.atMs,
        latencyMs: snapshot.latencyMs,
      });
    }
  }
}

function stopMessage({ source, problem }: TableProgress): string {
  if (!problem) return `${source} stopped.`;
  return problem.message.includes(source) ? problem.message : `${source}: ${problem.message}`;
}

const attempts = 6;
const firstPauseMs = 1000;
const lastTryMs = 2000;

/**
 * Posts an alert as JSON, tried six times over about a minute. With a secret the header `x-rowferry-signature` is
 * `sha256=` and the HMAC of the body in hex, over exactly the bytes sent. `giveUp` means now or never: one last try.
 * Never throws: what fails is logged.
 */
export async function postWebhook(
  url: string,
  secret: string | undefined,
  alert: Alert,
  log: Log,
  giveUp: AbortSignal,
  pauseMs = firstPauseMs,
): Promise<void> {
  const body = JSON.stringify({ type: 'rowferry.alert', version: 1, ...alert });
  const headers: Record<string, string> = { 'content-type': 'application/json', 'user-agent': 'rowferry' };
  if (secret)
    headers['x-rowferry-signature'] = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
  const backoff = new Backoff(pauseMs, Infinity, 'none');
  for (let attempt = 1; ; attempt++) {
    let problem: string;
    try {
      const answer = await fetch(url, {
        method: 'POST',
        body,
        headers,
        redirect: 'error',
        signal: AbortSignal.timeout(giveUp.aborted ? lastTryMs : 10_000),
      });
      if (answer.ok) return;
      problem = `HTTP ${answer.status}`;
      // Such an answer is final: the same request will not be taken later.
      if (answer.status >= 400 && answer.status < 500 && answer.status !== 408 && answer.status !== 429)
        attempt = attempts;
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
    }
    if (attempt >= attempts) {
      log.warn(`the webhook rejected the alert "${alert.kind}" (${problem})`, { task: alert.task });
      return;
    }
    try {
      await delay(backoff.next(), undefined, { ref: false, signal: giveUp });
    } catch {
      attempt = attempts - 1;
    }
  }
}
