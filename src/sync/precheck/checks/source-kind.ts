import { bad, good, type Check } from '../check.js';

/** Words by which proxies and look-alikes name themselves in version or version_comment. */
const lookAlikes: readonly [RegExp, string][] = [
  [/mariadb/i, 'MariaDB'],
  [/tidb/i, 'TiDB'],
  [/proxysql/i, 'ProxySQL'],
  [/maxscale/i, 'MaxScale'],
  [/oceanbase/i, 'OceanBase'],
  [/vitess|planetscale/i, 'Vitess'],
];

export const sourceKind: Check = {
  id: 'source-kind',
  severity: 'failure',
  title: 'The source is a MySQL server',
  expected:
    'MySQL 5.6 or later, Percona Server or a managed MySQL; not MariaDB, a proxy or a compatible database',
  why: 'Other databases use different binlogs and GTIDs, and a proxy may send each query to a different server: rows would be lost silently.',
  async run(context) {
    const facts = await context.facts();
    const comment = (await context.variable('version_comment')) ?? '';
    const known = lookAlikes.find(([pattern]) => pattern.test(facts.version) || pattern.test(comment));
    if (facts.isMariaDb || known) {
      return bad(
        `${known?.[1] ?? 'MariaDB'} (${facts.version}, ${comment})`,
        'Use the MySQL server itself as the source. Other kinds are not supported.',
      );
    }
    return good(comment === '' ? facts.version : comment);
  },
};
