import type { SourceConnection } from '../../../mysql/connection.js';
import type { ResolvedTask } from '../../../shared/task.js';
import { readersOf, sessionCounts } from '../../source/session-count.js';
import { bad, good, type Check, type Outcome } from '../check.js';
import { quotedAccount } from '../../../mysql/identifier.js';

interface Limits {
  /** CURRENT_USER(). */
  readonly account: string;
  /** Of the account, or of every account; 0: none. */
  readonly own: number;
  readonly ownName: string;
  readonly server: number;
}

/** The session variable holds what is in force for the account that logged in (MySQL manual, max_user_connections). */
async function readLimits(connection: SourceConnection): Promise<Limits> {
  const [row] = await connection.query<{ me: string; own: number; every: number; server: number }>(
    `SELECT CURRENT_USER() AS me, @@SESSION.max_user_connections AS own, @@GLOBAL.max_user_connections AS every, @@GLOBAL.max_connections AS server`,
  );
  const own = Number(row!.own);
  const ownName = own === Number(row!.every) ? 'max_user_connections' : 'MAX_USER_CONNECTIONS';
  return { account: row!.me, own, ownName, server: Number(row!.server) };
}

const connections = (count: number) => `${count} ${count === 1 ? 'connection' : 'connections'}`;

export const sourceConnections: Check = {
  id: 'source-connections',
  severity: 'failure',
  title: 'The connection limits cover the needs of the task',
  expected: 'no account or server limit below the maximum the task needs',
  why: 'If the server refuses a connection, part of the task waits: it could load the rows, then fail to replicate changes.',
  async run(context) {
    const { task } = context;
    const limits = await readLimits(await context.source());
    const sessions = sessionCounts(task);
    const { needed, verify, joining } = sessions;
    const isOwn = limits.own > 0 && limits.own <= limits.server;
    const limit = isOwn ? limits.own : limits.server;
    const name = isOwn ? limits.ownName : 'max_connections';
    const found = `the task needs ${connections(needed)}; ${isOwn ? 'the account' : 'the server'} allows ${limit} (${name})`;
    if (needed > limit) {
      const wanted = needed + verify;
      const sql =
        name === 'max_connections'
          ? `SET GLOBAL max_connections = ${Math.max(151, 2 * wanted)};`
          : `ALTER USER ${quotedAccount(limits.account)} WITH MAX_USER_CONNECTIONS ${wanted};`;
      const raise = `raise the limit (${wanted} also leaves room for a verification during the task)`;
      const settings = fitting(task, limit);
      return bad(
        `${capital(found)}.`,
        settings === null ? `${capital(raise)}.` : `Set ${settings} in the task, or ${raise}.`,
        { sql, ...(settings !== null && { at: 'write.threads' }) },
      );
    }
    return good(
      limit >= needed + joining + verify
        ? found
        : `${found}; a concurrent verification takes ${verify} more, tables loaded during replication up to ${joining}; connections over the limit wait or report the refusal`,
    );
  },
};

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** Settings of the task by which it would do with so many connections; null when none do. */
function fitting(task: ResolvedTask, limit: number): string | null {
  const slim = { ...task, write: { ...task.write, threads: 1 } };
  const least = sessionCounts(slim);
  const isByReaders = sessionCounts(task).load > limit;
  const readers = Math.min(readersOf(task), limit - least.load + 1);
  const threads = isByReaders ? [`"write": { "threads": ${readers} }`] : [];
  if (isByReaders && readers < 1) return null;
  if (least.follow <= limit) return threads.join(', ');
  const quiet = { ...slim, heartbeat: 'none' as const };
  const unaudited = { ...slim, audit: null };
  const both = { ...quiet, audit: null };
  for (const [changed, words] of [
    [quiet, ['"heartbeat": "none"']],
    [unaudited, ['"audit": null']],
    [both, ['"heartbeat": "none"', '"audit": null']],
  ] as const)
    if (sessionCounts(changed).follow <= limit) return [...threads, ...words].join(', ');
  return null;
}

/** Connections of a server that are left to others: a tenth. */
const keptForOthers = (limit: number) => Math.max(2, Math.ceil(limit / 10));

export const sourceRoom: Check = {
  id: 'source-room',
  severity: 'warning',
  title: 'The source currently has room for the connections of the task',
  expected: 'enough free connections for the task with some left for other clients, and no hourly limits',
  why: 'The task waits while the source refuses its connections. If it takes the last ones, the source refuses other clients.',
  async run(context) {
    const { task } = context;
    const connection = await context.source();
    const limits = await readLimits(connection);
    const hourly = await hourlyLimit(connection);
    if (hourly !== null) return hourly;
    if (context.running) return good('the task is running');
    const { needed } = sessionCounts(task);
    const [status] = await connection.query<{ Value: string }>("SHOW GLOBAL STATUS LIKE 'Threads_connected'");
    const open = Math.max(0, Number(status?.Value ?? 0) - context.sessions.size);
    const kept = keptForOthers(limits.server);
    if (open + needed + kept > limits.server)
      return bad(
        `The task needs ${connections(needed)}; ${open} of ${limits.server} (max_connections) are open, and ${kept} should stay free for other clients.`,
        'Close other connections, or raise max_connections.',
        { sql: `SET GLOBAL max_connections = ${Math.max(2 * limits.server, open + needed + kept)};` },
      );
    if (limits.own > 0) {
      const others = await ofSameUser(connection, limits.account, context.sessions);
      if (others + needed > limits.own)
        return bad(
          `The task needs ${connections(needed)}; the account has ${others} of ${limits.own} (${limits.ownName}) open.`,
          'Use a separate account for the task, close the other connections of this account, or raise its limit.',
          {
            sql: `ALTER USER ${quotedAccount(limits.account)} WITH MAX_USER_CONNECTIONS ${others + needed + sessionCounts(task).verify};`,
          },
        );
    }
    return good(`${open} of ${limits.server} are open`);
  },
};

/** An account sees its own sessions without any privilege. */
async function ofSameUser(
  connection: SourceConnection,
  account: string,
  ours: ReadonlySet<number>,
): Promise<number> {
  const user = account.slice(0, account.lastIndexOf('@'));
  const rows = await connection.query<{ Id: number | string; User: string }>('SHOW PROCESSLIST');
  return rows.filter(({ Id, User }) => User === user && !ours.has(Number(Id))).length;
}

/** Confirmations of the lock and the end of the binlog are asked for all the time, and a chunk has a connection of its own. */
async function hourlyLimit(connection: SourceConnection): Promise<Outcome | null> {
  let text: string;
  try {
    const [row] = await connection.query<Record<string, string>>('SHOW CREATE USER CURRENT_USER()');
    text = Object.values(row ?? {})[0] ?? '';
  } catch {
    // Servers before 5.7 do not have it.
    return null;
  }
  const found = /\b(MAX_(?:QUERIES|CONNECTIONS)_PER_HOUR) (\d+)/.exec(text);
  if (!found) return null;
  const [, name, most] = found;
  const [row] = await connection.query<{ me: string }>('SELECT CURRENT_USER() AS me');
  return bad(
    `The account has an hourly limit: ${name} ${most}.`,
    'Remove the limit. A task queries its source several times a second, and opens a connection for each part of a table.',
    { sql: `ALTER USER ${quotedAccount(row?.me ?? '')} WITH ${name} 0;` },
  );
}
