import type { FaultRule } from '../../src/local-tablestore/index.js';
import type { Chance } from '../support/chance.js';
import { accessFaults } from './access-faults.js';
import { processFaults } from './process-faults.js';
import { definition } from './shop.js';
import type { Stage } from './stage.js';
import { stateFaults } from './state-faults.js';
import { tableFaults } from './table-faults.js';

/** What may happen, by its name. A fault checks what is promised of it beyond the comparison after the round. */
export type Faults = Record<string, () => Promise<void> | void>;

export interface FaultContext {
  readonly stage: Stage;
  readonly chance: Chance;
  readonly isMapped: boolean;
}

/** All of them. `gentle`: those that leave every engine, its state and its store alive. */
export function allFaults(context: FaultContext): { gentle: Faults; hard: Faults } {
  const access = accessFaults(context);
  const processes = processFaults(context);
  const tables = tableFaults(context);
  return {
    gentle: { ...commonFaults(context), ...access, ...processes.gentle, ...tables },
    hard: { ...processes.hard, ...stateFaults(context) },
  };
}

const storeFaults: FaultRule[] = [
  { kind: 'error', code: 'OTSServerBusy', probability: 0.2 },
  { kind: 'error', code: 'OTSServerBusy', probability: 0.1, row: true },
  { kind: 'error', code: 'OTSRowOperationConflict', probability: 0.05, row: true },
  { kind: 'reset', applied: true, probability: 0.1 },
  { kind: 'reset', applied: false, probability: 0.1 },
  { kind: 'latency', delayMs: 300, probability: 0.2 },
  { kind: 'late', delayMs: 1500, probability: 0.05 },
];

function commonFaults({ stage, chance, isMapped }: FaultContext): Faults {
  const { mysql, store, first } = stage;
  return {
    'dump ended': async () => {
      const dumps = await mysql.query<{ id: number }>(
        "SELECT id FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%'",
      );
      for (const { id } of dumps) await mysql.query(`KILL ${id}`).catch(() => undefined);
    },
    'binlog rotated': () => mysql.query('FLUSH BINARY LOGS').then(() => undefined),
    'sessions ended': () => stage.endSessions(chance.of(['first', 'second'])),
    'tables changed': () => changeTables(stage, chance, isMapped),
    'tables changed, once more': () => changeTables(stage, chance, isMapped),
    'table reloaded': () => first.reload(`shop.${chance.of(['items', 'names', 'children'])}`),
    'task paused': async () => {
      await first.command('pause').ended;
      await new Promise((r) => setTimeout(r, 500));
      await first.command('resume').ended;
    },
    'Tablestore busy': async () => {
      await store.setFaults([chance.of(storeFaults), chance.of(storeFaults)]);
      await new Promise((r) => setTimeout(r, 2000));
      await store.setFaults([]);
    },
  };
}

export async function changeTables(
  { mysql }: Pick<Stage, 'mysql'>,
  chance: Chance,
  isMapped: boolean,
): Promise<void> {
  const { settings, statements } = definition(chance);
  const connection = await mysql.connect();
  try {
    await connection.query(settings);
    for (const sql of statements) {
      // A filter on a column that is gone is for a person to mend.
      if (isMapped && sql.includes('RENAME COLUMN')) continue;
      const done = await connection.query(sql).then(
        () => true,
        () => false,
      );
      if (done) console.log(`    ${sql.slice(0, 110)}`);
    }
  } finally {
    connection.destroy();
  }
}
