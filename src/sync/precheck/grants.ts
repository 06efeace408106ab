import type { SourceConnection } from '../../mysql/connection.js';
import { anyLetter, anyLetters, matchesPattern } from '../../shared/wildcard.js';

/** Privileges of the account in this session, its active roles included. */
export interface Grants {
  /** On the database, or on one table of it, or (both left out) on everything. */
  has(privilege: string, database?: string, table?: string): boolean;
}

interface Rule {
  revoked: boolean;
  privileges: Set<string>;
  database: string;
  table: string;
}

const name = '(\\*|`(?:[^`]|``)*`)';
const statement = new RegExp(`^(GRANT|REVOKE) (.+?) ON (?:TABLE )?${name}\\.${name} (?:TO|FROM) `);

export async function readGrants(connection: SourceConnection): Promise<Grants> {
  return parseGrants(await shownGrants(connection, await activeRoles(connection)));
}

/** What the account would have if all of its roles were active, and which are not, as SET DEFAULT ROLE takes them. */
export async function readRestingRoles(
  connection: SourceConnection,
): Promise<{ roles: string[]; grants: Grants } | null> {
  const active = rolesOf(await activeRoles(connection));
  const granted = (await shownGrants(connection, '')).flatMap((line) =>
    rolesOf(roleLine.exec(line)?.[1] ?? ''),
  );
  const roles = granted.filter((role) => !active.includes(role));
  if (roles.length === 0) return null;
  return { roles, grants: parseGrants(await shownGrants(connection, granted.join(','))) };
}

const roleName = '`(?:[^`]|``)*`@`(?:[^`]|``)*`';
const roleLine = new RegExp(`^GRANT (${roleName}(?:,${roleName})*) TO `);
const rolesOf = (list: string): string[] => list.match(new RegExp(roleName, 'g')) ?? [];

async function shownGrants(connection: SourceConnection, roles: string): Promise<string[]> {
  const using = roles === '' ? '' : ` FOR CURRENT_USER() USING ${roles}`;
  const shown = await connection.query<Record<string, string>>(`SHOW GRANTS${using}`);
  return shown.flatMap((row) => Object.values(row));
}

/** Without USING the privileges that come by roles are not listed. Servers before 8.0 have no roles. */
async function activeRoles(connection: SourceConnection): Promise<string> {
  const version = (await connection.facts()).numbers[0];
  if (version < 8) return '';
  const [row] = await connection.query<{ roles: string }>('SELECT CURRENT_ROLE() AS roles');
  return !row || row.roles === 'NONE' ? '' : row.roles;
}

/** From the lines of SHOW GRANTS. Privileges on single columns or routines are left out: they do not make a table readable. */
export function parseGrants(lines: readonly string[]): Grants {
  const rules: Rule[] = [];
  for (const line of lines) {
    const match = statement.exec(line);
    if (!match) continue;
    const [, verb, list, database, table] = match as unknown as [string, string, string, string, string];
    // `SELECT (`a`, `b`), INSERT`: parts with a column list go.
    const privileges = list.replace(/[A-Z ]+\([^)]*\)/g, '').split(',');
    rules.push({
      revoked: verb === 'REVOKE',
      privileges: new Set(privileges.map((p) => p.trim().toUpperCase()).filter((p) => p !== '')),
      database: unquoted(database),
      table: unquoted(table),
    });
  }
  const holds = (rule: Rule, privilege: string) =>
    rule.privileges.has(privilege) || rule.privileges.has('ALL PRIVILEGES') || rule.privileges.has('ALL');
  return {
    has: (privilege, database, table) => {
      const fits = (rule: Rule) =>
        rule.database === '*' ||
        (database !== undefined &&
          matches(rule.database, database, rule.table === '*') &&
          (rule.table === '*' || (table !== undefined && rule.table === table)));
      const applying = rules.filter((rule) => holds(rule, privilege) && fits(rule));
      if (!applying.some((rule) => !rule.revoked)) return false;
      // A partial revoke takes a database out of a global privilege; a grant on the database itself wins.
      const revoked = applying.some((rule) => rule.revoked && rule.database !== '*');
      return !revoked || applying.some((rule) => !rule.revoked && rule.database !== '*');
    },
  };
}

const unquoted = (text: string) => (text === '*' ? '*' : text.slice(1, -1).replaceAll('``', '`'));

/** In a grant on a whole database, _ and % in its name are wildcards unless escaped (MySQL manual, GRANT). */
function matches(pattern: string, database: string, wildcards: boolean): boolean {
  if (!wildcards) return pattern === database;
  const letters = Array.from(pattern.matchAll(/\\(.)|([^])/g), ([, escaped, letter]) =>
    letter === '%' ? anyLetters : letter === '_' ? anyLetter : (escaped ?? letter!),
  );
  return matchesPattern(letters, database);
}
