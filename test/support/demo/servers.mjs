// The two servers of the demo, the shop in them and the task file between them.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, openSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import mysql from 'mysql2/promise';
import { SetupError } from '../cache.mjs';
import { freePort, gtidOptions, launchMysql } from '../mysql-process.mjs';
import { repository, requireNode } from '../node.mjs';
import { countRows, makeAccount, makeShop } from './shop.mjs';

const account = 'rowferry';

/**
 * Starts both servers and fills the shop. `folder` takes everything that is written. ROWFERRY_MYSQL_URL names
 * another MySQL to use; there the database `rowferry_shop` and the account `rowferry` are made anew.
 * @param {{ folder: string, keep?: boolean, say: (text: string) => void }} options
 */
export async function startDemo({ folder, keep = false, say }) {
  mkdirSync(folder, { recursive: true });
  const stops = [];
  const stop = async () => {
    for (const end of stops.splice(0).reverse()) await end();
  };
  try {
    const source = await startSource(folder, keep, say, stops);
    const tablestore = await startTablestore(folder, keep, stops);
    say(`Tablestore listens on ${tablestore.endpoint}`);
    const began = performance.now();
    const connection = await mysql.createConnection({ uri: source.url, multipleStatements: false });
    stops.push(async () => connection.destroy());
    const rows = await makeShop(connection, source.database);
    const password = randomBytes(12).toString('base64url');
    await makeAccount(connection, { user: account, password, database: source.database });
    say(`The shop has ${rows.toLocaleString('en-US')} rows, made in ${seconds(performance.now() - began)} s`);
    const environment = {
      MYSQL_PASSWORD: password,
      OTS_KEY: tablestore.accessKeyId,
      OTS_SECRET: tablestore.accessKeySecret,
    };
    const taskFile = writeTask(folder, source, tablestore);
    return {
      folder,
      source,
      tablestore,
      connection,
      environment,
      taskFile,
      stop,
      count: () => countRows(connection),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startSource(folder, keep, say, stops) {
  const given = process.env['ROWFERRY_MYSQL_URL'];
  if (given) {
    const url = new URL(given);
    const database = 'rowferry_shop';
    say(`MySQL is the one of ROWFERRY_MYSQL_URL, ${url.host}`);
    return { url: given, host: url.hostname, port: Number(url.port || 3306), database };
  }
  const port = await freePort();
  const server = await launchMysql({
    dataFolder: path.join(folder, 'mysql'),
    port,
    options: [...gtidOptions, '--server-id=1'],
    detached: keep,
    say,
  });
  stops.push(async () => {
    server.child.kill('SIGKILL');
    await server.exited;
  });
  say(`MySQL ${server.version} listens on 127.0.0.1:${port}`);
  return {
    url: `mysql://root@127.0.0.1:${port}`,
    host: '127.0.0.1',
    port,
    database: 'shop',
    pid: server.child.pid,
  };
}

/** `rowferry tablestore`, as anybody would start it; what it prints says how to reach it. */
async function startTablestore(folder, keep, stops) {
  const log = path.join(folder, 'tablestore.log');
  const child = spawn(
    requireNode(),
    [
      path.join(repository, 'dist/cli.js'),
      'tablestore',
      '--port',
      String(await freePort()),
      '--data',
      path.join(folder, 'tablestore'),
    ],
    { stdio: ['ignore', 'pipe', openSync(log, 'a')], detached: keep },
  );
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const killAtExit = () => child.kill('SIGKILL');
  if (!keep) process.once('exit', killAtExit);
  stops.push(async () => {
    process.removeListener('exit', killAtExit);
    child.kill('SIGTERM');
    await exited;
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (said += text));
  const find = (label) => new RegExp(`^${label}:? (.+)$`, 'm').exec(said)?.[1]?.trim();
  for (let waited = 0; !find('access key secret'); waited += 50) {
    if (child.exitCode !== null || waited > 20_000) {
      throw new SetupError(`The embedded Tablestore did not start: see ${log}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  if (keep) {
    child.stdout.destroy();
    child.unref();
  }
  return {
    endpoint: find('listening on'),
    instance: find('instance'),
    accessKeyId: find('access key id'),
    accessKeySecret: find('access key secret'),
    pid: child.pid,
  };
}

function writeTask(folder, source, tablestore) {
  const task = {
    version: 1,
    id: 'demo-shop',
    name: 'shop',
    source: { host: source.host, port: source.port, user: account, password: '${env:MYSQL_PASSWORD}' },
    destination: {
      endpoint: tablestore.endpoint,
      instance: tablestore.instance,
      accessKeyId: '${env:OTS_KEY}',
      accessKeySecret: '${env:OTS_SECRET}',
    },
    objects: [{ database: source.database }],
  };
  const file = path.join(folder, 'workspace', 'shop.rowferry.json');
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(task, null, 2)}\n`);
  return file;
}

const seconds = (ms) => (ms / 1000).toFixed(1);
