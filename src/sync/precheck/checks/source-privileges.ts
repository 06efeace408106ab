import { identifier, type SourceConnection } from '../../../mysql/connection.js';
import { quotedAccount } from '../../../mysql/identifier.js';
import { atLeast } from '../../../mysql/server-facts.js';
import { mysqlErrorNumber } from '../server-error.js';
import { bad, good, some, type Check } from '../check.js';
import { readGrants, readRestingRoles, type Grants } from '../grants.js';

/** Access denied, in the ways the server says it. */
const denied = new Set([1044, 1045, 1142, 1143, 1227, 1370]);

/** Asks by doing, which counts roles and partial revokes too. */
async function allowed(connection: SourceConnection, sql: string): Promise<boolean> {
  try {
    await connection.query(sql);
    return true;
  } catch (error) {
    if (denied.has(mysqlErrorNumber(error))) return false;
    throw error;
  }
}

export const sourcePrivileges: Check = {
  id: 'source-privileges',
  severity: 'failure',
  title: 'The source account has the required privileges',
  expected: 'REPLICATION CLIENT, REPLICATION SLAVE, and SELECT on the selected objects',
  why: 'Rowferry needs SELECT to read rows and the REPLICATION privileges to read the binlog. A table it cannot read would stay empty.',
  async run(context) {
    const connection = await context.source();
    const facts = await context.facts();
    const account = (await connection.query<{ me: string }>('SELECT CURRENT_USER() AS me'))[0]?.me ?? '';
    const missing: Missing[] = [];
    const need = (privilege: string, on: string, database?: string, table?: string) =>
      missing.push({ privilege, on, isHadBy: (grants) => grants.has(privilege, database, table) });
    if (context.task.synchronization.incremental) {
      const status = atLeast(facts, 8, 2) ? 'SHOW BINARY LOG STATUS' : 'SHOW MASTER STATUS';
      if (!(await allowed(connection, status))) need('REPLICATION CLIENT', '*.*');
      const replicas = atLeast(facts, 8, 0, 22) ? 'SHOW REPLICAS' : 'SHOW SLAVE HOSTS';
      if (!(await allowed(connection, replicas))) need('REPLICATION SLAVE', '*.*');
    }
    const grants = await readGrants(connection);
    for (const object of context.task.objects) {
      // A table that may not be read at all is not even listed: only the privilege tells.
      const tables = object.tables?.map((t) => t.name) ?? ['*'];
      for (const table of tables) {
        const on = `${identifier(object.database)}.${table === '*' ? '*' : identifier(table)}`;
        const name = table === '*' ? undefined : table;
        if (!grants.has('SELECT', object.database, name)) need('SELECT', on, object.database, name);
      }
    }
    if (missing.length === 0) return good(`${account} has all of them`);
    const resting = await readRestingRoles(connection);
    const byRole = missing.filter(({ isHadBy }) => resting && isHadBy(resting.grants));
    const others = missing.filter((one) => !byRole.includes(one));
    const names = some(
      missing.map(({ privilege, on }) => (on === '*.*' ? privilege : `${privilege} on ${on}`)),
    );
    const sql = others.map(
      ({ privilege, on }) => `GRANT ${privilege} ON ${on} TO ${quotedAccount(account)};`,
    );
    if (!resting || byRole.length === 0)
      return bad(`${account} lacks ${names}`, 'Grant the missing privileges.', { sql });
    const roles = resting.roles.join(', ');
    sql.push(`SET DEFAULT ROLE ALL TO ${quotedAccount(account)};`);
    return bad(
      `${account} lacks ${names}: an inactive role grants ${others.length > 0 ? 'some of them' : 'them'} (${roles})`,
      `Activate its roles at every login${others.length > 0 ? ', and grant the missing privileges' : ''}.`,
      { sql },
    );
  },
};

interface Missing {
  readonly privilege: string;
  readonly on: string;
  readonly isHadBy: (grants: Grants) => boolean;
}
