import * as z from 'zod';
import { cellTypes } from './cell-types.js';

export { type CellType } from './cell-types.js';

/**
 * The task file (`NAME.rowferry.json`), defined here and nowhere else: types, defaults, ranges, the JSON Schema
 * of the editor and the words of its help all come from this one schema. Shape after `taskSchema.parse`: every
 * default filled in. Secrets are never values here: a string may hold `${env:NAME}`, resolved by the client.
 */

const minutes = (from: number, help: string, standard: number) =>
  z.int().min(from).max(1440).default(standard).describe(help);
const rate = (help: string) => z.number().positive().nullable().default(null).describe(help);

/** A string with a rule that can only be checked once its `${env:NAME}` is resolved; it is checked again then. */
const orVariable = (good: (value: string) => boolean, message: string) =>
  z
    .string()
    .min(1)
    .refine((value) => value.includes('${env:') || good(value), message);
const urlProtocol = (text: string) => (URL.canParse(text) ? new URL(text).protocol : '');

const columnMapping = z.strictObject({
  rename: z.string().min(1).optional().describe('Name of the column in Tablestore.'),
  type: z
    .enum(cellTypes)
    .optional()
    .describe('Type in Tablestore; the default is the one that fits the MySQL type.'),
  unit: z
    .enum(['ms', 'us'])
    .optional()
    .describe('With type INTEGER on a date or time: milliseconds or microseconds since 1970 UTC.'),
  exclude: z.boolean().optional().describe('Leave this column out.'),
});

/** zod leaves the key `__proto__` out of a record, but MySQL takes it for a column like any other. */
const unsafeKey = '__proto__';
const safeKey = '\0__proto__';
const renameKey = (from: string, to: string) => (value: unknown) =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, from)
    ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key === from ? to : key, item]))
    : value;
const columnMappings = z.record(z.string(), columnMapping);
const byColumn = z.preprocess(
  renameKey(unsafeKey, safeKey),
  columnMappings.transform((value) => renameKey(safeKey, unsafeKey)(value) as z.infer<typeof columnMappings>),
);

const tableMapping = z.strictObject({
  name: z.string().min(1).describe('Table in MySQL.'),
  rename: z.string().min(1).optional().describe('Name of the table in Tablestore.'),
  filter: z
    .string()
    .optional()
    .describe('Only rows that meet this SQL condition (what follows WHERE), without subqueries.'),
  primaryKey: z
    .array(z.string().min(1))
    .min(1)
    .max(4)
    .optional()
    .describe(
      'Source columns that make the Tablestore key, in order. Default: the primary key, else the first NOT NULL unique key.',
    ),
  columns: byColumn.optional().describe('Renamed, retyped or excluded columns, by their name in MySQL.'),
});

const renameRules = z.strictObject({
  prefix: z.string().optional().describe('Prepended to each name.'),
  suffix: z.string().optional().describe('Appended to each name.'),
  replace: z
    .array(
      z.strictObject({
        from: z.string().min(1).describe('Letters of the name in MySQL, every occurrence.'),
        to: z.string().describe('What they become; empty: nothing.'),
      }),
    )
    .optional()
    .describe('Replaced in this order, before the capitalization.'),
});

const objectSelection = z.strictObject({
  database: z.string().min(1).describe('Database in MySQL.'),
  exclude: z
    .array(z.string().min(1))
    .optional()
    .describe('Tables left out of a whole database; * stands for any letters.'),
  tables: z
    .array(tableMapping)
    .min(1)
    .optional()
    .describe('Selected tables. Without it the whole database, tables created later included.'),
  renameTables: renameRules
    .optional()
    .describe('Names in Tablestore of all tables of this selection that have no "rename" of their own.'),
  renameColumns: renameRules
    .optional()
    .describe('Names in Tablestore of all their columns that have no "rename" of their own.'),
});

const inlineSource = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').describe('Host name or address of MySQL.'),
  port: z.int().min(1).max(65535).default(3306).describe('Port of MySQL.'),
  user: z.string().min(1).describe('Account of MySQL.'),
  password: z.string().default('').describe('Its password: write ${env:NAME}, never the password itself.'),
  hosts: z
    .array(z.string().min(1))
    .default([])
    .describe('Further host:port of the same data, tried when the first fails (needs GTID).'),
  ssl: z
    .enum(['disabled', 'required', 'verify-ca', 'verify-identity'])
    .default('disabled')
    .describe('Encryption of the connection.'),
  caFile: z.string().optional().describe('Certificate authority, a PEM file.'),
  certFile: z.string().optional().describe('Client certificate, a PEM file.'),
  keyFile: z.string().optional().describe('Key of the client certificate, a PEM file.'),
  serverId: z
    .int()
    .min(1)
    .max(4294967295)
    .nullable()
    .default(null)
    .describe('server_id for reading the binlog; random when null.'),
});

const tableOptions = z.strictObject({
  timeToLive: z
    .int()
    .refine((v) => v === -1 || v >= 86400, 'must be -1 (forever) or at least 86400 seconds')
    .default(-1)
    .describe('Seconds after which data expires; -1: never.'),
  maxVersions: z.int().min(1).default(1).describe('Versions kept of each cell.'),
  reservedRead: z.int().min(0).default(0).describe('Reserved read capacity units.'),
  reservedWrite: z.int().min(0).default(0).describe('Reserved write capacity units.'),
});

const inlineDestination = z.strictObject({
  endpoint: orVariable(
    (v) => /^https?:$/.test(urlProtocol(v)),
    'must be an http:// or https:// address',
  ).describe('Endpoint of the instance, http:// or https://.'),
  instance: orVariable(
    (v) => /^[A-Za-z][A-Za-z0-9-]{2,15}$/.test(v),
    'must be 3 to 16 letters, digits or hyphens, a letter first',
  ).describe('Instance name.'),
  accessKeyId: z.string().min(1).describe('AccessKey ID: write ${env:NAME}.'),
  accessKeySecret: z.string().min(1).describe('AccessKey secret: write ${env:NAME}.'),
  securityToken: z
    .string()
    .nullable()
    .default(null)
    .describe('STS token, when temporary credentials are used.'),
  tables: tableOptions.prefault({}).describe('Options of the tables that the task creates.'),
  tableLimit: z
    .int()
    .min(1)
    .default(64)
    .describe('Tables that the instance may hold; Alibaba Cloud raises it on request.'),
});

const savedConnection = z.strictObject({
  connection: z.string().min(1).describe('Name of a saved connection.'),
});

const startPosition = z.union([
  z.literal('now'),
  z.strictObject({ gtid: z.string() }),
  z.strictObject({ file: z.string().min(1), position: z.int().min(4) }),
  z.strictObject({ time: z.string().min(1) }),
]);

const dirtyDataOptions = z.strictObject({
  policy: z
    .enum(['block', 'skip'])
    .default('block')
    .describe('What to do with a row that cannot be written.'),
  keepDays: z.int().min(1).default(30).describe('Days for which records are kept.'),
  maxMegabytes: z.number().positive().default(1024).describe('Space that records may take.'),
  mask: z.array(z.string()).default([]).describe('Columns whose values are not kept in records.'),
});

export const taskSchema = z.strictObject({
  $schema: z.string().optional(),
  version: z.literal(1).default(1).describe('Version of this format.'),
  id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, - or _')
    .optional()
    .describe('Identity of the task, generated once; keep it.'),
  name: z.string().min(1).optional().describe('Name that people read.'),
  source: z.union([savedConnection, inlineSource]).describe('The MySQL to read.'),
  destination: z
    .union([
      savedConnection.extend({
        tables: tableOptions.optional(),
        tableLimit: z.int().min(1).optional(),
      }),
      inlineDestination,
    ])
    .describe('The Tablestore to write.'),
  startPosition: startPosition
    .nullable()
    .default(null)
    .describe('Where to begin in the binlog when full is false.'),
  synchronization: z
    .strictObject({
      schema: z.boolean().default(true).describe('Create the destination tables.'),
      full: z.boolean().default(true).describe('Load the rows that exist.'),
      incremental: z.boolean().default(true).describe('Follow the binlog afterwards.'),
      operations: z
        .array(z.enum(['INSERT', 'UPDATE', 'DELETE']))
        .min(1)
        .default(['INSERT', 'UPDATE', 'DELETE'])
        .describe('Operations that are followed.'),
    })
    .prefault({}),
  objects: z.array(objectSelection).min(1).describe('What to synchronize.'),
  merge: z.boolean().default(false).describe('Several tables of the same shape go into one.'),
  conflict: z
    .enum(['report', 'ignore'])
    .default('report')
    .describe(
      'report: the precheck fails when a destination table exists. ignore: the full load keeps rows that exist, the binlog overwrites them.',
    ),
  dirtyData: z
    .union([
      z.enum(['block', 'skip']).transform((policy) => dirtyDataOptions.parse({ policy })),
      dirtyDataOptions,
    ])
    .prefault({})
    .describe('Rows that cannot be written: block (stop and ask) or skip (record and go on).'),
  ddl: z
    .strictObject({
      truncate: z.enum(['stop', 'delete']).default('stop').describe('What TRUNCATE at the source does.'),
      onChange: z
        .enum(['stop-table', 'reload'])
        .default('stop-table')
        .describe('What a change of a key, a type in use or a filter column does.'),
    })
    .prefault({}),
  write: z
    .strictObject({
      mode: z
        .enum(['put-row', 'update-row'])
        .default('put-row')
        .describe('put-row replaces the row; update-row writes its columns and deletes those that are NULL.'),
      batch: z
        .enum(['bulk-import', 'batch-write'])
        .default('bulk-import')
        .describe('BulkImport (recommended) or BatchWriteRow.'),
      queueSize: z.int().min(1).max(1048576).default(1024).describe('Rows that may wait in each bucket.'),
      threads: z
        .int()
        .min(0)
        .max(64)
        .default(4)
        .describe(
          'Chunks of the full load that are read and encoded side by side, each on a connection of its own; 0: one after the other.',
        ),
      concurrency: z.int().min(1).max(1000).default(10).describe('Requests to Tablestore at the same time.'),
      buckets: z.int().min(1).max(1000).default(10).describe('Sequential queues; at most concurrency.'),
    })
    .refine((w) => w.buckets <= w.concurrency, { path: ['buckets'], message: 'must be at most concurrency' })
    .prefault({}),
  class: z
    .enum(['micro', 'small', 'medium', 'large', 'unlimited'])
    .default('unlimited')
    .describe('Rows per second at most: 200, 2,000, 5,000, 10,000, no limit.'),
  capitalization: z
    .enum(['default', 'source', 'upper', 'lower'])
    .default('default')
    .describe('Case of names in Tablestore. default: tables lower case, columns as in the source.'),
  retry: z
    .strictObject({
      connectionMinutes: minutes(
        10,
        'How long an unreachable source or destination is tried again. More than 30 is recommended.',
        720,
      ),
      otherMinutes: minutes(
        1,
        'How long other failures are tried again. More than 10 is recommended; less than connectionMinutes.',
        10,
      ),
    })
    .refine((r) => r.otherMinutes < r.connectionMinutes, {
      path: ['otherMinutes'],
      message: 'must be less than connectionMinutes',
    })
    .prefault({}),
  throttle: z
    .strictObject({
      full: z
        .strictObject({
          queriesPerSecond: rate('Queries per second on the source.'),
          rowsPerSecond: rate('Rows per second.'),
          megabytesPerSecond: rate('Megabytes per second.'),
          maxThreadsRunning: z
            .int()
            .positive()
            .nullable()
            .default(null)
            .describe('Pause while the source runs more threads than this.'),
          maxReplicaLagSeconds: z
            .number()
            .positive()
            .nullable()
            .default(null)
            .describe('Pause while the source, a replica, lags more than this.'),
        })
        .prefault({}),
      incremental: z
        .strictObject({
          rowsPerSecond: rate('Rows per second.'),
          megabytesPerSecond: rate('Megabytes per second.'),
        })
        .prefault({}),
    })
    .prefault({}),
  audit: z
    .strictObject({
      rowsPerSecond: z
        .number()
        .positive()
        .describe('Rows per second that are read for it at most, on each side.'),
      repair: z.boolean().default(false).describe('Put right what differs, as verify --repair does.'),
    })
    .nullable()
    .default(null)
    .describe(
      'While the task is incremental, compare each table with its source again and again, slowly, and tell what differs. null: off.',
    ),
  heartbeat: z
    .enum(['none', 'statement', 'table'])
    .default('none')
    .describe('What is written to the source to move its binlog on.'),
  etl: z.string().default('').describe('Transformation in the DTS language.'),
  alerts: z
    .strictObject({
      onFailure: z
        .boolean()
        .default(true)
        .describe(
          'Tell when the task fails or is blocked, a table stops, or the audit finds rows that differ.',
        ),
      latencySeconds: z
        .number()
        .positive()
        .nullable()
        .default(null)
        .describe('Tell when latency is above this many seconds.'),
      latencyForSeconds: z
        .number()
        .positive()
        .default(60)
        .describe('How long latency must be above latencySeconds before it is told.'),
      webhook: orVariable((v) => /^https?:$/.test(urlProtocol(v)), 'must be an http:// or https:// address')
        .nullable()
        .default(null)
        .describe('Address that each alert is posted to as JSON, when it begins and when it is over.'),
      webhookSecret: z
        .string()
        .optional()
        .describe('Signs what is posted (HMAC-SHA256 in x-rowferry-signature): write ${env:NAME}.'),
    })
    .prefault({}),
  keepRunning: z.boolean().default(false).describe('Go on when no window is attached.'),
  tag: z.string().optional().describe('Environment, for people.'),
  ignoredChecks: z.array(z.string()).default([]).describe('Ids of precheck warnings that are accepted.'),
});

/** A task with every default filled in; connections may still be names, strings may still hold `${env:…}`. */
export type Task = z.infer<typeof taskSchema>;
export type SourceSettings = z.infer<typeof inlineSource>;
export type DestinationSettings = z.infer<typeof inlineDestination>;
type ObjectSelection = z.infer<typeof objectSelection>;
/** What the task says of a table, with the rules of the selection that it belongs to. */
export type TableMapping = z.infer<typeof tableMapping> &
  Pick<ObjectSelection, 'renameTables' | 'renameColumns'>;
export type WriteSettings = Task['write'];
export type Operation = Task['synchronization']['operations'][number];

export const sourceSchema = inlineSource;
export const destinationSchema = inlineDestination;

/** A task ready to run: both connections inline, every `${env:…}` resolved, id and name present. Holds secrets: memory only. */
export interface ResolvedTask extends Omit<Task, 'source' | 'destination' | 'id' | 'name'> {
  id: string;
  name: string;
  source: SourceSettings;
  destination: DestinationSettings;
}
