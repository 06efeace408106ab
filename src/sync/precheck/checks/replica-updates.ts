import { atLeast } from '../../../mysql/server-facts.js';
import { bad, good, usesBinlog, type Check } from '../check.js';

export const replicaUpdates: Check = {
  id: 'replica-updates',
  severity: 'warning',
  title: 'A source that is a replica logs what it replicates',
  expected: 'log_replica_updates = ON if the source is a replica or one of two primaries',
  why: 'Without it, changes that arrive by replication are missing from its binlog and never reach Tablestore.',
  applies: usesBinlog,
  async run(context) {
    const facts = await context.facts();
    const connection = await context.source();
    const statement = atLeast(facts, 8, 0, 22) ? 'SHOW REPLICA STATUS' : 'SHOW SLAVE STATUS';
    const channels = await connection.query(statement);
    if (channels.length === 0) return good('the source is not a replica');
    if (facts.logReplicaUpdates) return good('log_replica_updates = ON');
    return bad(
      'the source is a replica with log_replica_updates = OFF',
      'Start the server with --log-replica-updates (--log-slave-updates before 8.0.26), or use its primary as the source.',
    );
  },
};
