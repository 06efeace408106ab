/**
 * What gh-ost 1.1 and pt-online-schema-change 3.6 send to the source, a step an entry. Between two steps rows may be
 * written to the table `t (id INT PRIMARY KEY, v INT)`; each change adds `extra` to it.
 */
export type Step = readonly [name: string, ...statements: string[]];

export function ghostSteps(
  database: string,
  t: string,
  { old = `_${t}_del`, keepsOld = false }: { old?: string; keepsOld?: boolean } = {},
): Step[] {
  const [gho, ghc, ghk] = ['gho', 'ghc', 'ghk'].map((end) => `${database}._${t}_${end}`);
  return [
    [
      'notes',
      `drop /* gh-ost */ table if exists ${ghc}`,
      `create /* gh-ost */ table ${ghc} (
        id bigint unsigned auto_increment,
        last_update timestamp not null DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
        hint varchar(64) charset ascii not null,
        value varchar(4096) charset ascii not null,
        primary key(id),
        unique key hint_uidx(hint)
      ) auto_increment=256 comment='gh-ost-changelog'`,
      `create /* gh-ost */ table ${ghk} (\`gh_ost_chk_id\` bigint auto_increment primary key, \`gh_ost_chk_timestamp\` bigint,
        \`gh_ost_chk_coords\` text charset ascii, \`gh_ost_chk_iteration\` bigint)`,
    ],
    ['copy', `create /* gh-ost */ table ${gho} like ${database}.${t}`],
    [
      'alter',
      `alter /* gh-ost */ table ${gho} add column extra varchar(9) not null default 'x'`,
      `insert /* gh-ost */ into ${ghc} (id, hint, value) values (NULLIF(2, 0), 'state', 'GhostTableMigrated')`,
    ],
    ['rows', `insert /* gh-ost */ ignore into ${gho} (id, v) select id, v from ${database}.${t}`],
    ['sentry', `create /* gh-ost */ table ${database}.${old} (id int auto_increment primary key)`],
    [
      'swap',
      `drop /* gh-ost */ table if exists ${database}.${old}`,
      `delete from ${gho} where id not in (select id from ${database}.${t})`,
      `replace into ${gho} (id, v) select id, v from ${database}.${t}`,
      `rename /* gh-ost */ table ${database}.${t} to ${database}.${old}, ${gho} to ${database}.${t}`,
    ],
    [
      'end',
      `drop /* gh-ost */ table if exists ${ghc}`,
      ...(keepsOld ? [] : [`drop /* gh-ost */ table if exists ${database}.${old}`]),
      `drop /* gh-ost */ table if exists ${ghk}`,
    ],
  ];
}

export function ptOscSteps(
  database: string,
  t: string,
  { copy = `_${t}_new`, old = `_${t}_old`, keepsOld = false } = {},
): Step[] {
  const name = `\`${database}\`.\`${t}\``;
  const shadow = `\`${database}\`.\`${copy}\``;
  const trigger = (end: string) => `\`${database}\`.\`pt_osc_${database}_${t}_${end}\``;
  return [
    ['copy', `CREATE TABLE ${shadow} (\`id\` int NOT NULL, \`v\` int DEFAULT NULL, PRIMARY KEY (\`id\`))`],
    ['alter', `ALTER TABLE ${shadow} ADD COLUMN extra VARCHAR(9) NOT NULL DEFAULT 'x'`],
    [
      'triggers',
      `CREATE TRIGGER ${trigger('del')} AFTER DELETE ON ${name} FOR EACH ROW BEGIN DECLARE CONTINUE HANDLER FOR 1146 begin end; DELETE IGNORE FROM ${shadow} WHERE ${shadow}.\`id\` <=> OLD.\`id\`; END `,
      `CREATE TRIGGER ${trigger('upd')} AFTER UPDATE ON ${name} FOR EACH ROW BEGIN DECLARE CONTINUE HANDLER FOR 1146 begin end; DELETE IGNORE FROM ${shadow} WHERE !(OLD.\`id\` <=> NEW.\`id\`) AND ${shadow}.\`id\` <=> OLD.\`id\`; REPLACE INTO ${shadow} (\`id\`, \`v\`) VALUES (NEW.\`id\`, NEW.\`v\`); END `,
      `CREATE TRIGGER ${trigger('ins')} AFTER INSERT ON ${name} FOR EACH ROW BEGIN DECLARE CONTINUE HANDLER FOR 1146 begin end; REPLACE INTO ${shadow} (\`id\`, \`v\`) VALUES (NEW.\`id\`, NEW.\`v\`);END `,
    ],
    [
      'rows',
      `INSERT LOW_PRIORITY IGNORE INTO ${shadow} (\`id\`, \`v\`) SELECT \`id\`, \`v\` FROM ${name} LOCK IN SHARE MODE /*pt-online-schema-change 4711 copy table*/`,
    ],
    [
      'swap',
      `ANALYZE TABLE ${shadow} /* pt-online-schema-change */`,
      `RENAME TABLE ${name} TO \`${database}\`.\`${old}\`, ${shadow} TO ${name}`,
    ],
    ['old', ...(keepsOld ? [] : [`DROP TABLE IF EXISTS \`${database}\`.\`${old}\``])],
    ['end', ...['del', 'upd', 'ins'].map((end) => `DROP TRIGGER IF EXISTS ${trigger(end)}`)],
  ];
}
