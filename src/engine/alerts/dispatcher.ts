import { setTimeout as delay } from 'node:timers/promises';
import type { Alert } from '../../shared/alert.js';
import type { TaskSnapshot } from '../../shared/snapshot.js';
import type { ResolvedTask } from '../../shared/task.js';
import { AlertWatch, postWebhook } from './rules.js';
import type { Log } from '../base/log.js';

/** How long the end of a run is held back for the webhook that tells of it. */
const tellMs = 5000;
/** An engine that ends waits so long for webhooks that are on their way, and as long again for their last try. */
const patienceMs = 2500;
/** A statement may stop a thousand tables at once; no receiver is to get a thousand requests at once. */
const postsAtOnce = 4;

/** Where incidents are remembered, so that the next engine does not tell them once more. */
export interface IncidentStore {
  /** Those of a task that are not over. */
  incidents(task: string): Alert[];
  /** Remembers one that begins, forgets one that is over. */
  saveIncident(alert: Alert): void;
}

/** The alerts of all tasks: watched for, remembered while they last, told to clients and to webhooks. */
export class AlertDispatcher {
  readonly #watches = new Map<string, AlertWatch>();
  readonly #posts = new Set<Promise<void>>();
  readonly #giveUp = new AbortController();
  /** Ends of what is posted one after the other. */
  readonly #lanes = Array.from({ length: postsAtOnce }, () => Promise.resolve());
  #nextLane = 0;

  constructor(
    private readonly store: IncidentStore,
    private readonly log: Log,
    private readonly tell: (alert: Alert) => void,
  ) {}

  /** Called with each new snapshot of a task whose settings are known. */
  see(snapshot: TaskSnapshot, settings: ResolvedTask['alerts']): void {
    let watch = this.#watches.get(snapshot.id);
    if (!watch) {
      watch = new AlertWatch((alert) => this.#happened(alert), this.store.incidents(snapshot.id));
      this.#watches.set(snapshot.id, watch);
    }
    this.#settings = settings;
    watch.see(snapshot, settings);
  }

  /**
   * Runs `then` when what was told is delivered, at once when nothing is on its way: a service manager ends the
   * engine with its command, and the command must not end before.
   */
  whenTold(then: () => void): void {
    if (this.#posts.size === 0) then();
    else void Promise.race([Promise.all(this.#posts), delay(tellMs, undefined, { ref: false })]).then(then);
  }

  /** Nothing more will be seen: what is on its way to a webhook gets a last chance. */
  async settle(): Promise<void> {
    if (this.#posts.size === 0) return;
    const all = Promise.all(this.#posts);
    await Promise.race([all, delay(patienceMs)]);
    this.#giveUp.abort();
    await Promise.race([all, delay(patienceMs)]);
  }

  /** Of the task that is being looked at. */
  #settings: ResolvedTask['alerts'] | undefined;

  #happened(alert: Alert): void {
    try {
      this.store.saveIncident(alert);
    } catch (error) {
      // It may be told once more by the next engine; that is better than not at all.
      this.log.warn(`cannot save the alert: ${(error as Error).message}`, { task: alert.task });
    }
    this.tell(alert);
    const { webhook, webhookSecret } = this.#settings!;
    if (!webhook) return;
    const lane = this.#nextLane++ % postsAtOnce;
    const post = this.#lanes[lane]!.then(() =>
      postWebhook(webhook, webhookSecret, alert, this.log, this.#giveUp.signal),
    );
    this.#lanes[lane] = post;
    this.#posts.add(post);
    void post.finally(() => this.#posts.delete(post));
  }
}
