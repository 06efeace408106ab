import { setTimeout as delay } from 'node:timers/promises';
import { TablestoreClient } from '../../src/tablestore/client/client.js';
import { deleteTable } from '../../src/tablestore/client/operations.js';
import type { FaultContext, Faults } from './faults.js';
import { second as prefix } from './stage.js';
import { promised } from './within.js';

const floodRows = 20_000;

/** What befalls single tables while the others go on. */
export function tableFaults({ stage, chance }: FaultContext): Faults {
  const { mysql, store, second } = stage;
  return {
    'destination table dropped': async () => {
      const table = chance.of(['logs', 'parents']);
      // A table that is just being made again has one that nobody has missed.
      const isLive = await second.says(15, ({ state, retry, tables }) =>
        Boolean(state === 'running' && !retry && tables?.every(({ phase }) => phase === 'incremental')),
      );
      if (!isLive) return;
      const client = new TablestoreClient({
        endpoint: store.url,
        instance: 'local',
        accessKeyId: store.accessKeyId,
        accessKeySecret: store.accessKeySecret,
      });
      await deleteTable(client, prefix + table).finally(() => client.close());
      const source = `shop.${table}`;
      const id = 1_000_000 + chance.below(1_000_000);
      await mysql.query(`INSERT INTO ${source} (id) VALUES (${id})`);
      const isStopped = await second.says(60, ({ tables }) =>
        Boolean(tables?.some((one) => one.source === source && one.problem?.code === 'ROW-D110')),
      );
      promised(isStopped, `${source} stops with ROW-D110 when its destination table was deleted`);
      await second.reload(source, 'ROW-D110');
    },
    'flood of dirty rows': async () => {
      await mysql.query(`SET SESSION cte_max_recursion_depth = 1000000;
        REPLACE INTO shop.flood WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${floodRows})
          SELECT i, 18446744073709551615 FROM n`);
      await delay(500);
      const began = Date.now();
      await second.command('status').ended;
      const ms = Date.now() - began;
      console.log(`    status answered after ${ms} ms`);
      promised(ms < 30_000, `a flood of dirty rows does not stall the engine: status took ${ms} ms`);
      await delay(chance.below(2000));
      await mysql.query('DELETE FROM shop.flood');
    },
  };
}
