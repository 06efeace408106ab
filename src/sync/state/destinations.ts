import type { DestinationSettings } from '../../shared/task.js';
import { destinationIdentity, isSameDestination } from './destination-identity.js';
import type { DestinationRecord, DestinationStore, TableRecord } from './task-store.js';

/**
 * What a task knows of the tables that it writes to in its instance. It goes with the destination, not with a source
 * table: records come, go and swap their destinations when the task file changes, and whoever comes to a destination
 * finds there what the task has put there before.
 */
export class Destinations {
  private readonly known: Map<string, DestinationRecord>;
  private readonly instance: string;

  constructor(
    private readonly store: DestinationStore,
    destination: DestinationSettings,
  ) {
    this.instance = destinationIdentity(destination);
    const here = store.destinations().filter((one) => isSameDestination(one.instance, destination));
    this.known = new Map(here.map((one) => [one.name, one]));
  }

  get all(): DestinationRecord[] {
    return [...this.known.values()];
  }

  /** undefined: the task has written nothing there. */
  find(name: string): DestinationRecord | undefined {
    return this.known.get(name);
  }

  /** What a table that comes to this destination has from those before it; a table that is known is to be swept. */
  inherited(name: string): Pick<TableRecord, 'created' | 'creating' | 'foundAtMs' | 'sweep'> {
    const known = this.known.get(name);
    if (!known) return { created: false, sweep: false };
    const { created, creating, foundAtMs } = known;
    return {
      created,
      ...(creating && { creating }),
      ...(foundAtMs !== null && { foundAtMs }),
      sweep: true,
    };
  }

  /** What a table has come to know of its destination. In the store transaction that stores the table. */
  learn({ destination: name, phase, created, creating = false, foundAtMs }: TableRecord): void {
    const before = this.known.get(name);
    if (!before && !created && !creating && foundAtMs === undefined) return;
    const isThere = phase === 'full' || phase === 'loaded';
    const now: DestinationRecord = {
      name,
      instance: this.instance,
      created: created || (before?.created ?? false),
      creating: !isThere && (creating || (before?.creating ?? false)),
      foundAtMs: before?.foundAtMs ?? foundAtMs ?? null,
    };
    if (before && (Object.keys(now) as (keyof DestinationRecord)[]).every((key) => before[key] === now[key]))
      return;
    this.store.saveDestination(now);
    this.known.set(name, now);
  }

  /** The task begins in this instance: of another one nothing is known any more. */
  forgetOthers(): void {
    for (const { name } of this.store.destinations()) {
      if (!this.known.has(name)) this.store.removeDestination(name);
    }
  }
}
