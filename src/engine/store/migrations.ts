import type { Migrations } from './database.js';

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
];
