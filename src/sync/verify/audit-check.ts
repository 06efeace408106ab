import { setTimeout as delay } from 'node:timers/promises';
import type { VerifyDifference } from '../../shared/verify-report.js';
import type { TablePlan } from '../mapping/plan.js';
import type { AuditHost } from './audit-host.js';
import type { Comparison, Look } from './comparison.js';

export interface Standing {
  readonly look: Look;
  readonly verdict: VerifyDifference['kind'];
}

/** A key that changes all the time is left to the next pass after so many looks. */
const mostLooks = 8;

/**
 * Which of these keys differ for certain. A difference counts when two looks saw the same, and each of them lay between
 * two moments of which the stream had passed everything, with no change of the key in between: then the destination
 * holds all that the source had changed of it, and the source shows all that was written of it. Throws what reading
 * throws; gives nothing when the table changed meanwhile.
 */
export async function standing(
  host: Pick<AuditHost, 'settings' | 'writer' | 'caughtUp' | 'settled' | 'ask' | 'planOf'>,
  comparison: Comparison,
  plan: TablePlan,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<Standing[]> {
  const touched = new Set<string>();
  const unwatch = host.writer.watch(plan.destination, new Set(keys), (key) => touched.add(key));
  const before = new Map<string, string>();
  const stands: Standing[] = [];
  const atOnce = comparison.rowsAtOnce(keys.length);
  let open = [...keys];
  try {
    for (let nth = 0; nth < mostLooks && open.length > 0; nth++) {
      if (nth > 0) await delay(host.settings.timing.audit.lookMs, undefined, { signal });
      for (const key of touched) before.delete(key);
      touched.clear();
      await host.caughtUp(signal);
      await host.settled();
      comparison.renew();
      const looks: Look[] = [];
      for (let from = 0; from < open.length; from += atOnce) {
        const some = open.slice(from, from + atOnce);
        const seen = await host.ask('snapshot', (connection) => comparison.look(connection, some));
        looks.push(...seen.filter((look) => comparison.verdict(look) !== 'equal'));
      }
      await host.caughtUp(signal);
      if (host.planOf(plan.source) !== plan) return [];
      open = [];
      for (const look of looks) {
        const { key } = look;
        const verdict = comparison.verdict(look);
        if (verdict === 'equal' || verdict === 'dirty' || verdict === 'kept' || verdict === 'notComparable')
          continue;
        if (verdict === 'extra' && comparison.isOfOthers(look)) continue;
        const digest = comparison.digest(look);
        if (touched.has(key)) open.push(key);
        else if (before.get(key) === digest) stands.push({ look, verdict });
        else {
          before.set(key, digest);
          open.push(key);
        }
      }
    }
    return stands;
  } finally {
    unwatch();
  }
}
