import type { Migrations } from './database.js';

const quoted = (name: string) => `CASE WHEN instr(${name}, '.') OR instr(${name}, '\`')
    THEN '\`' || replace(${name}, '\`', '\`\`') || '\`' ELSE ${name} END`;

/**
 * Tables under the text that sourceName() gives them. What a merge has of such a table lies under keys that hold the
 * old text: it stops, and its rows are to be deleted by a person. Changes nothing the second time.
 */
export const quoteNames = `CREATE TEMP TABLE renamed AS SELECT * FROM (
     SELECT task, source AS old, ${quoted("json_extract(record, '$.definition.database')")}
       || '.' || ${quoted("json_extract(record, '$.definition.name')")} AS new FROM source_table)
     WHERE new IS NOT NULL AND new <> old;
   UPDATE source_table SET source = renamed.new, record = json_set(record, '$.source', renamed.new) FROM renamed
     WHERE source_table.task = renamed.task AND source = old;
   UPDATE source_table SET record = json_set(record, '$.phase', 'stopped', '$.problem', json_object('code', 'ROW-S113',
       'message', source || ' stopped: its rows in the merged table use the name format of earlier versions.',
       'remedy', 'Delete its rows in Tablestore (those whose __dts_data_source is the task id and the name without backquotes), then reload the table.'))
     FROM renamed WHERE source_table.task = renamed.task AND source = renamed.new
       AND json_valid(json_extract(record, '$.mapping')) AND json_extract(json_extract(record, '$.mapping'), '$.merged');
   UPDATE dirty SET source = renamed.new, identity = CASE
       WHEN substr(identity, 1, length(old) + 1) = old || ' ' THEN renamed.new || substr(identity, length(old) + 1)
       WHEN substr(identity, 1, length(old) + 6) = 'load ' || old || ' ' THEN 'load ' || renamed.new || substr(identity, length(old) + 6)
       ELSE identity END
     FROM renamed WHERE dirty.task = renamed.task AND source = old;
   UPDATE chunk SET source = renamed.new FROM renamed WHERE chunk.task = renamed.task AND source = old;
   UPDATE xa_part SET source = renamed.new FROM renamed WHERE xa_part.task = renamed.task AND source = old;
   UPDATE xa_rows SET source = renamed.new FROM renamed WHERE xa_rows.task = renamed.task AND source = old;
   DROP TABLE renamed`;

/**
 * What tables knew of their destinations is kept with these, and which tables were never loaded with them. Changes
 * nothing the second time: of what is known already nothing is taken from a record.
 */
export const keepDestinations = `INSERT OR IGNORE INTO destination_table
     SELECT task, record ->> '$.destination',
       coalesce((SELECT progress ->> '$.destination' FROM progress WHERE progress.task = source_table.task), ''),
       max(coalesce(record ->> '$.created', 0)), max(coalesce(record ->> '$.creating', 0)), min(record ->> '$.foundAtMs')
     FROM source_table
     WHERE record ->> '$.created' OR record ->> '$.creating' OR record ->> '$.foundAtMs' IS NOT NULL
     GROUP BY task, record ->> '$.destination';
   UPDATE source_table SET record = json_set(record, '$.unread', json('true'))
     WHERE record ->> '$.phase' = 'loaded' AND record ->> '$.rows' = 0 AND record ->> '$.kept' = 0
       AND record ->> '$.loads' IS NULL AND record ->> '$.from' IS NULL
       AND EXISTS (SELECT 1 FROM progress WHERE progress.task = source_table.task
         AND progress ->> '$.start' IS NOT NULL AND progress ->> '$.loadedAt' IS NULL)`;

/** As isOpen of dirty-records.ts, of the row of a trigger: 1 or 0. */
const isOpenRow = (row: string) => `(${row}discarded = 0 AND ${row}decision IS NOT 'retry')`;
/** What a record takes: of text that is kept beside the row only the length is read. */
const dirtyBytes = (row: string) =>
  ['source_row', 'cells', 'key', 'message'].map((column) => `octet_length(${row}${column}) + `).join('') +
  '200';
const countRecord = `INSERT INTO dirty_figure (task, source, code, open, bytes)
       VALUES (new.task, new.source, new.code, ${isOpenRow('new.')}, ${dirtyBytes('new.')})
       ON CONFLICT (task, source, code) DO UPDATE SET open = open + excluded.open, bytes = bytes + excluded.bytes;`;
const uncountRecord = `UPDATE dirty_figure SET open = open - ${isOpenRow('old.')}, bytes = bytes - (${dirtyBytes('old.')})
       WHERE task = old.task AND source = old.source AND code = old.code;`;
/**
 * Why tables had stopped, as far as the messages of that version tell it. Changes nothing the second time: what says so
 * itself is left as it is.
 */
export const keepStopKinds = `UPDATE source_table SET record = json_set(record, '$.stoppedBy', CASE
       WHEN record ->> '$.problem.code' = 'ROW-S103' THEN 'unreadable'
       WHEN record ->> '$.problem.code' = 'ROW-S108' THEN 'dropped'
       WHEN record ->> '$.problem.message' LIKE '%was dropped at the source; its rows stay in %' THEN 'dropped'
       WHEN record ->> '$.problem.message' LIKE '%No statement in the binlog dropped it.' THEN 'dropped'
       WHEN record ->> '$.problem.message' LIKE '% was truncated at the source%' THEN 'truncated'
       WHEN record ->> '$.problem.code' = 'ROW-S109' THEN 'statement'
       ELSE 'altered' END)
     WHERE record ->> '$.phase' = 'stopped' AND record ->> '$.stoppedBy' IS NULL
       AND record ->> '$.problem.code' IN ('ROW-S103', 'ROW-S108', 'ROW-S109', 'ROW-S113')`;

/** Times are milliseconds since 1970; JSON columns hold what the type of the same name says. */
export const migrations: Migrations = [
  `CREATE TABLE task (
     id TEXT PRIMARY KEY,
     snapshot TEXT NOT NULL,
     checked_as TEXT,
     report TEXT,
     added_ms INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE history (
     task TEXT NOT NULL,
     at_ms INTEGER NOT NULL,
     rows_per_second REAL NOT NULL,
     bytes_per_second REAL NOT NULL,
     latency_ms REAL,
     PRIMARY KEY (task, at_ms)
   ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE progress (task TEXT PRIMARY KEY, progress TEXT NOT NULL) STRICT;
   CREATE TABLE source_table (
     task TEXT NOT NULL,
     source TEXT NOT NULL,
     record TEXT NOT NULL,
     PRIMARY KEY (task, source)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE chunk (
     task TEXT NOT NULL,
     source TEXT NOT NULL,
     number INTEGER NOT NULL,
     bounds TEXT NOT NULL,
     done INTEGER NOT NULL,
     row_count INTEGER NOT NULL,
     PRIMARY KEY (task, source, number)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE dirty (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     task TEXT NOT NULL,
     identity TEXT NOT NULL,
     source TEXT NOT NULL,
     destination TEXT NOT NULL,
     operation TEXT NOT NULL,
     key TEXT NOT NULL,
     code TEXT NOT NULL,
     message TEXT NOT NULL,
     position TEXT,
     source_row TEXT NOT NULL,
     cells TEXT NOT NULL,
     at_ms INTEGER NOT NULL,
     decision TEXT,
     UNIQUE (task, identity)
   ) STRICT;
   CREATE TABLE xa_piece (
     task TEXT NOT NULL,
     xid TEXT NOT NULL,
     number INTEGER NOT NULL,
     bytes BLOB NOT NULL,
     PRIMARY KEY (task, xid, number)
   ) STRICT`,
  // A discarded record is out of sight, but its decision must still be found when a replay meets the row.
  `ALTER TABLE dirty ADD COLUMN discarded INTEGER NOT NULL DEFAULT 0`,
  // Incidents outlive the engine that told them; a task that was to keep running is known for that.
  `CREATE TABLE incident (
     task TEXT NOT NULL,
     kind TEXT NOT NULL,
     alert TEXT NOT NULL,
     PRIMARY KEY (task, kind)
   ) STRICT, WITHOUT ROWID;
   ALTER TABLE task ADD COLUMN keep_running INTEGER NOT NULL DEFAULT 0`,
  // Where the row is at the source, and whether the checkpoint waits for a decision on it.
  `ALTER TABLE dirty ADD COLUMN locator TEXT;
   ALTER TABLE dirty ADD COLUMN key_hash TEXT NOT NULL DEFAULT '';
   ALTER TABLE dirty ADD COLUMN holds INTEGER NOT NULL DEFAULT 0;
   CREATE INDEX dirty_key ON dirty (task, source, key_hash)`,
  // Records are counted, filtered and paged without reading them: the engine waits for nothing else meanwhile.
  `CREATE INDEX dirty_shown ON dirty (task, discarded, id, source, code, at_ms)`,
  // By table and place: an XID may be used again. A branch that was prepared before this asks for a new load.
  `DROP TABLE xa_piece;
   CREATE TABLE xa_part (
     task TEXT NOT NULL,
     xid TEXT NOT NULL,
     place TEXT NOT NULL,
     source TEXT NOT NULL,
     state TEXT NOT NULL,
     PRIMARY KEY (task, xid, place, source)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE xa_rows (
     task TEXT NOT NULL,
     xid TEXT NOT NULL,
     place TEXT NOT NULL,
     source TEXT NOT NULL,
     number INTEGER NOT NULL,
     bytes BLOB NOT NULL,
     PRIMARY KEY (task, xid, place, source, number)
   ) STRICT`,
  // A run that has sent something which did not come to its end.
  `CREATE TABLE writing (task TEXT PRIMARY KEY) STRICT, WITHOUT ROWID`,
  // Rows of a chunk that were there already are told apart from those that were written.
  `ALTER TABLE chunk ADD COLUMN kept INTEGER NOT NULL DEFAULT 0`,
  // Before, `a.b`.c and a.`b.c` were one.
  quoteNames,
  // How far the audit of each table is.
  `CREATE TABLE audit (
     task TEXT NOT NULL,
     source TEXT NOT NULL,
     record TEXT NOT NULL,
     PRIMARY KEY (task, source)
   ) STRICT, WITHOUT ROWID`,
  // What a task knows of a destination table goes with that, not with the table that is written to it.
  `CREATE TABLE destination_table (
     task TEXT NOT NULL,
     name TEXT NOT NULL,
     instance TEXT NOT NULL,
     created INTEGER NOT NULL,
     creating INTEGER NOT NULL,
     found_at_ms INTEGER,
     PRIMARY KEY (task, name)
   ) STRICT, WITHOUT ROWID;
   ${keepDestinations}`,
  // What a refused row held, so that a later difference of it is not taken for the same.
  'ALTER TABLE dirty ADD COLUMN row_hash TEXT',
  // Records whose row was written are passed over in the index, too.
  `DROP INDEX dirty_shown;
   CREATE INDEX dirty_shown ON dirty (task, discarded, id, source, code, at_ms, decision)`,
  // How many records of a table are open, and what all of them take, without reading them.
  `CREATE TABLE dirty_figure (
     task TEXT NOT NULL,
     source TEXT NOT NULL,
     code TEXT NOT NULL,
     open INTEGER NOT NULL,
     bytes INTEGER NOT NULL,
     PRIMARY KEY (task, source, code)
   ) STRICT, WITHOUT ROWID;
   INSERT INTO dirty_figure SELECT task, source, code, SUM(${isOpenRow('')}), SUM(${dirtyBytes('')}) FROM dirty
     GROUP BY task, source, code;
   CREATE TRIGGER dirty_added AFTER INSERT ON dirty BEGIN
     ${countRecord}
   END;
   CREATE TRIGGER dirty_changed AFTER UPDATE OF source, source_row, cells, key, message, code, decision, discarded ON dirty BEGIN
     ${uncountRecord}
     ${countRecord}
   END;
   CREATE TRIGGER dirty_gone AFTER DELETE ON dirty BEGIN
     ${uncountRecord}
   END`,
  // Rows of a chunk that the transformation drops are dealt with, too.
  `ALTER TABLE chunk ADD COLUMN dropped INTEGER NOT NULL DEFAULT 0`,
  keepStopKinds,
];
