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
  title: 'The source is a MySQL server itself',
  expected: 'MySQL 5.6 or later, Percona Server, or a managed MySQL; no MariaDB, no proxy, no look-alike',
  why: 'Their binlogs and GTIDs are of another kind, or a proxy sends each query to another server: rows would be lost in silence.',
  async run(context) {
    const facts = await context.facts();
    const comment = (await context.variable('version_comment')) ?? '';
    const known = lookAlikes.find(([pattern]) => pattern.test(facts.version) || pattern.test(comment));
    if (facts.isMariaDb || known) {
      return bad(
        `${known?.[1] ?? 'MariaDB'} (${facts.version}, ${comment})`,
        'Name the MySQL server itself as the source; other kinds are not supported.',
      );
    }
    return good(comment === '' ? facts.version : comment);
  },
};
