import { atLeast } from '../../../mysql/server-facts.js';
import { bad, good, usesBinlog, type Check, type Remedies } from '../check.js';

/** The one of the task is random without a setting. */
const ownId: Remedies = { fixes: [{ do: 'set', path: ['source', 'serverId'] }], at: 'source.serverId' };

export const serverId: Check = {
  id: 'server-id',
  severity: 'failure',
  title: 'The server_id of the source is set, and that of the task is free',
  expected: 'server_id of the source ≥ 1, and no other replica with the server_id of the task',
  why: 'A source with server_id 0 refuses replicas; two replicas with the same server_id disconnect each other.',
  applies: usesBinlog,
  async run(context) {
    const facts = await context.facts();
    if (facts.serverId < 1) {
      return bad('server_id = 0', 'Set server_id on the source, and add it to my.cnf.', {
        sql: 'SET GLOBAL server_id = 1;',
      });
    }
    const ours = context.task.source.serverId;
    if (ours === null) return good(`source ${facts.serverId}, task random`);
    if (ours === facts.serverId) {
      return bad(
        `${ours} is the server_id of the source itself`,
        'Remove source.serverId, or choose another.',
        ownId,
      );
    }
    const connection = await context.source();
    const statement = atLeast(facts, 8, 0, 22) ? 'SHOW REPLICAS' : 'SHOW SLAVE HOSTS';
    const replicas = await connection.query<Record<string, string | number>>(statement);
    // While the task runs, that replica is the task itself.
    if (!context.running && replicas.some((r) => Number(r['Server_Id'] ?? r['Server_id']) === ours)) {
      return bad(
        `a replica with server_id ${ours} is connected`,
        'Remove source.serverId, or choose another.',
        ownId,
      );
    }
    return good(`source ${facts.serverId}, task ${ours}`);
  },
};
