/**
 * Rows a second that the source side takes apart, from a real MySQL on this machine: ten columns, about 120 bytes
 * a row, no decoding of values. The binlog's rows come as one transaction, plain and compressed.
 *
 *     mysql-source.js [rows]
 *
 * Besides the rate of the clock it prints the rate by this process's CPU time, which other load on the machine
 * does not change, and the highest RSS.
 */
import { loadTables } from '../../src/mysql/catalog.js';
import { BinlogStream } from '../../src/mysql/binlog/stream.js';
import { connectSource, identifier } from '../../src/mysql/connection.js';
import type { BinlogHandler } from '../../src/mysql/model.js';
import { endPosition, hasReached } from '../../src/mysql/position.js';
import { planChunks, readChunk } from '../../src/mysql/snapshot.js';
import { sourceSchema } from '../../src/shared/task.js';
import { startMysql } from '../support/mysql-server.js';

const rows = Number(process.argv[2] ?? 1_000_000);
const columns = `id INT NOT NULL PRIMARY KEY, a INT NOT NULL, b BIGINT, price DECIMAL(10,2), name VARCHAR(40), city VARCHAR(30),
  created DATETIME, flag TINYINT, score DOUBLE, note VARCHAR(60)`;

async function measure(label: string, run: () => Promise<number>): Promise<void> {
  let peak = 0;
  const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 20);
  const from = process.hrtime.bigint();
  const cpu = process.cpuUsage();
  const count = await run();
  const seconds = Number(process.hrtime.bigint() - from) / 1e9;
  const used = process.cpuUsage(cpu);
  clearInterval(watch);
  const cpuSeconds = (used.user + used.system) / 1e6;
  const k = (value: number): string => `${Math.round(value / 1000)}k`;
  console.log(
    `${label.padEnd(28)} ${count} rows  ${k(count / seconds)} rows/s  ${k(count / cpuSeconds)} rows per CPU second  RSS ≤ ${Math.round(peak / 2 ** 20)} MB`,
  );
}

const server = await startMysql({ args: ['--innodb-buffer-pool-size=512M', '--max-binlog-size=1G'] });
try {
  const settings = sourceSchema.parse({ host: server.host, port: server.port, user: server.user });
  const source = await connectSource(settings);
  const reader = await connectSource(settings, 'snapshot');
  await server.query('CREATE DATABASE bench');
  await server.query(`CREATE TABLE bench.t (${columns})`);
  await server.query(`CREATE TABLE bench.u (${columns})`);
  await server.query('SET SESSION cte_max_recursion_depth = 100000000');
  await server.query(
    `INSERT INTO bench.t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
     SELECT i, i * 7, i * 1000003, i / 100, CONCAT('customer number ', i), 'Amsterdam-Zuid', '2024-05-06 07:08:09', i % 2, i / 3,
            CONCAT('a note about row ', i, ' of many') FROM n`,
  );
  const [table] = await loadTables(source, [{ database: 'bench', table: 't' }]);

  await measure('snapshot', async () => {
    let count = 0;
    for await (const chunk of planChunks(source, table!, { rows: 100_000 })) {
      const result = await readChunk(reader, {
        table: table!,
        columns: table!.columns,
        select: (column) => identifier(column.name),
        filter: null,
        chunk,
        onRow: () => true,
      });
      count += result.rows;
    }
    return count;
  });

  for (const compression of ['OFF', 'ON']) {
    const start = await endPosition(source);
    await server.query(`SET SESSION binlog_transaction_compression = ${compression}`);
    await server.query('TRUNCATE bench.u');
    await server.query('INSERT INTO bench.u SELECT * FROM bench.t');
    const goal = await endPosition(source);
    await measure(`binlog, compression ${compression}`, async () => {
      let count = 0;
      const nothing = (): void => undefined;
      const handler: BinlogHandler = {
        transaction: nothing,
        wants: () => true,
        row: () => void count++,
        commit: (position) => {
          if (hasReached(position, goal)) void stream.stop();
        },
        xaPrepare: nothing,
        xaCommit: nothing,
        xaRollback: nothing,
        statement: nothing,
        heartbeat: nothing,
      };
      const stream = new BinlogStream(settings, { position: start, history: null }, handler);
      await stream.run();
      return count;
    });
  }
  await source.close();
  await reader.close();
} finally {
  await server.stop();
}
