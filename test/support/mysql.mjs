// npm run mysql -- --port N --data DIR: a MySQL in the foreground, GTID on, until Ctrl+C.
import path from 'node:path';
import { parseArgs } from 'node:util';
import { gtidOptions, launchMysql } from './mysql-process.mjs';

const { values, positionals } = parseArgs({
  options: {
    port: { type: 'string', default: '3307' },
    data: { type: 'string', default: '.rowferry/mysql' },
  },
  allowPositionals: true,
});
const port = Number(values.port);
try {
  const dataFolder = path.resolve(values.data);
  const server = await launchMysql({
    dataFolder,
    port,
    options: [...gtidOptions, '--server-id=1', '--log-bin=binlog', ...positionals],
  });
  console.log(`MySQL ${server.version} listening on 127.0.0.1:${port}, user root, no password`);
  console.log(`data: ${dataFolder}`);
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => server.child.kill('SIGTERM'));
  process.exitCode = (await server.exited) === 0 ? 0 : 1;
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
