import { heartbeatDatabase } from '../../source/heartbeat.js';
import { bad, good, type Check } from '../check.js';
import { readGrants } from '../grants.js';
import { quotedAccount } from '../../../mysql/identifier.js';

export const heartbeat: Check = {
  id: 'heartbeat',
  severity: 'failure',
  title: 'The account has the privileges for the heartbeat',
  expected: 'CREATE on the heartbeat database; for a heartbeat table also INSERT, UPDATE and DELETE',
  why: 'The heartbeat writes to the source. Without the privileges, it would fail repeatedly.',
  applies: (task) => task.heartbeat !== 'none',
  async run(context) {
    const connection = await context.source();
    const { heartbeat } = context.task;
    if (heartbeat === 'none') return good('no heartbeat');
    const grants = await readGrants(connection);
    const database = heartbeatDatabase[heartbeat];
    const needed = heartbeat === 'table' ? ['CREATE', 'SELECT', 'INSERT', 'UPDATE', 'DELETE'] : ['CREATE'];
    const missing = needed.filter((privilege) => !grants.has(privilege, database));
    if (missing.length === 0) return good('allowed');
    const [row] = await connection.query<{ me: string }>('SELECT CURRENT_USER() AS me');
    return bad(
      `the account lacks ${missing.join(', ')} on ${database}.*`,
      'Grant the missing privileges, or set "heartbeat" to "none".',
      {
        sql: `GRANT ${missing.join(', ')} ON \`${database}\`.* TO ${quotedAccount(row?.me ?? '')};`,
        fixes: [{ do: 'set', path: ['heartbeat'] }],
        at: 'heartbeat',
      },
    );
  },
};
