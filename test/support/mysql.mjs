// npm run mysql -- --port N --data DIR: a MySQL in the foreground, GTID on, until Ctrl+C.
import path from 'node:path';
import { readArguments, readPort } from './arguments.mjs';
import { gtidOptions, launchMysql } from './mysql-process.mjs';
import { fail, install } from './prepare.mjs';

try {
  const { values, positionals } = readArguments(
    'npm run mysql -- [--port N] [--data DIR] [-- options of mysqld]',
    { port: { type: 'string', default: '3307' }, data: { type: 'string', default: '.rowferry/mysql' } },
    { allowPositionals: true },
  );
  await install();
  const port = readPort(values.port);
  const dataFolder = path.resolve(values.data);
  const server = await launchMysql({
    dataFolder,
    port,
    options: [...gtidOptions, '--server-id=1', '--log-bin=binlog', ...positionals],
  });
  console.log(`MySQL ${server.version} listening on 127.0.0.1:${port}, user root, no password`);
  console.log(`data: ${dataFolder}`);
  let asked = false;
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.on(signal, () => {
      asked = true;
      server.child.kill('SIGTERM');
    });
  const code = await server.exited;
  if (!asked) console.error(`MySQL ended by itself: see ${server.log}`);
  process.exit(asked || code === 0 ? 0 : 1);
} catch (error) {
  fail(error);
}
