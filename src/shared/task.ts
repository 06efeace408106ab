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
  rename: z.string().min(1).optional().describe('Column name in Tablestore.'),
  type: z
    .enum(cellTypes)
    .optional()
    .describe('Type in Tablestore. Default: the type that matches the MySQL type.'),
  unit: z
    .enum(['ms', 'us'])
    .optional()
    .describe('For type INTEGER on a date or time column: milliseconds or microseconds since 1970 UTC.'),
  exclude: z.boolean().optional().describe('Exclude this column.'),
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
  rename: z.string().min(1).optional().describe('Table name in Tablestore.'),
  filter: z
    .string()
    .optional()
    .describe('Replicate only rows that match this SQL condition (the part after WHERE). No subqueries.'),
  primaryKey: z
    .array(z.string().min(1))
    .min(1)
    .max(4)
    .optional()
    .describe(
      'Source columns of the Tablestore key, in order. Default: the primary key, otherwise the first NOT NULL unique key.',
    ),
  columns: byColumn.optional().describe('Columns to rename, retype or exclude, by their MySQL name.'),
});

const renameRules = z.strictObject({
  prefix: z.string().optional().describe('Prepended to each name.'),
  suffix: z.string().optional().describe('Appended to each name.'),
  replace: z
    .array(
      z.strictObject({
        from: z.string().min(1).describe('Text to replace in the MySQL name, every occurrence.'),
        to: z.string().describe('Replacement text. Empty removes the text.'),
      }),
    )
    .optional()
    .describe('Replacements, applied in this order before the capitalization.'),
});

const objectSelection = z.strictObject({
  database: z.string().min(1).describe('Database in MySQL.'),
  exclude: z
    .array(z.string().min(1))
    .optional()
    .describe('Tables to exclude from a whole database; * matches any characters.'),
  tables: z
    .array(tableMapping)
    .min(1)
    .optional()
    .describe('Selected tables. If omitted, the whole database, including tables created later.'),
  renameTables: renameRules
    .optional()
    .describe('Tablestore names of all selected tables without their own "rename".'),
  renameColumns: renameRules
    .optional()
    .describe('Tablestore names of all columns without their own "rename".'),
});

const inlineSource = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').describe('MySQL host name or address.'),
  port: z.int().min(1).max(65535).default(3306).describe('MySQL port.'),
  user: z.string().min(1).describe('MySQL user.'),
  password: z.string().default('').describe('Password. Use ${env:NAME}, never the password itself.'),
  hosts: z
    .array(z.string().min(1))
    .default([])
    .describe('More host:port addresses of the same data, tried when the first fails (requires GTID).'),
  ssl: z
    .enum(['disabled', 'preferred', 'required', 'verify-ca', 'verify-identity'])
    .default('preferred')
    .describe(
      'Encryption of the connection. preferred: TLS if the server offers it, except to this machine. required: TLS, but anyone could answer. verify-ca, verify-identity: the server must prove who it is.',
    ),
  caFile: z.string().optional().describe('Certificate authority (PEM file).'),
  certFile: z.string().optional().describe('Client certificate (PEM file).'),
  keyFile: z.string().optional().describe('Private key of the client certificate (PEM file).'),
  serverPublicKeyFile: z
    .string()
    .optional()
    .describe('Public RSA key of the server (PEM file), to encrypt the password without TLS.'),
  allowPublicKeyRetrieval: z
    .boolean()
    .default(false)
    .describe(
      'Send the password to whichever server answers, without proof of its identity. Only in a network that you trust.',
    ),
  serverId: z
    .int()
    .min(1)
    .max(4294967295)
    .nullable()
    .default(null)
    .describe('server_id for reading the binlog. null: random.'),
});

const tableOptions = z.strictObject({
  timeToLive: z
    .int()
    .refine((v) => v === -1 || v >= 86400, 'must be -1 (forever) or at least 86400 seconds')
    .default(-1)
    .describe('Seconds after which data expires, at least 86400. -1: never.'),
  maxVersions: z.int().min(1).default(1).describe('Number of versions to keep per cell.'),
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
    'must be 3 to 16 letters, digits or hyphens, starting with a letter',
  ).describe('Instance name.'),
  accessKeyId: z.string().min(1).describe('AccessKey ID. Use ${env:NAME}.'),
  accessKeySecret: z.string().min(1).describe('AccessKey secret. Use ${env:NAME}.'),
  securityToken: z.string().nullable().default(null).describe('STS token, for temporary credentials.'),
  tables: tableOptions.prefault({}).describe('Options for tables that the task creates.'),
  tableLimit: z
    .int()
    .min(1)
    .default(64)
    .describe('Table limit of the instance. Alibaba Cloud raises it on request.'),
});

const savedConnection = z.strictObject({
  connection: z.string().min(1).describe('Name of a saved connection.'),
});

export const startPositionSchema = z.union([
  z.literal('now'),
  z.strictObject({ gtid: z.string().describe('GTID set: everything in it counts as applied.') }),
  z.strictObject({
    file: z.string().min(1).describe('Binlog file, with position.'),
    position: z.int().min(4).describe('Offset of an event in that file.'),
  }),
  z.strictObject({
    time: z.string().min(1).describe('Begins with the first transaction that was committed at or after it.'),
  }),
]);

const dirtyDataOptions = z.strictObject({
  policy: z
    .enum(['block', 'skip'])
    .default('block')
    .describe('What to do with a row that cannot be written.'),
  keepDays: z.int().min(1).default(30).describe('Days to keep records.'),
  maxMegabytes: z.number().positive().default(1024).describe('Maximum space for records.'),
  mask: z.array(z.string()).default([]).describe('Columns whose values are not stored in records.'),
});

const taskId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, - or _');

export const taskSchema = z.strictObject({
  $schema: z.string().optional(),
  version: z.literal(1).default(1).describe('Version of this format.'),
  id: taskId.optional().describe('Generated ID of the task. Do not change it.'),
  name: z.string().min(1).optional().describe('Display name.'),
  source: z.union([savedConnection, inlineSource]).describe('The MySQL server to read from.'),
  destination: z
    .union([
      savedConnection.extend({
        tables: tableOptions.optional(),
        tableLimit: z.int().min(1).optional(),
      }),
      inlineDestination,
    ])
    .describe('The Tablestore instance to write to.'),
  startPosition: startPositionSchema
    .nullable()
    .default(null)
    .describe('Where to begin in the binlog when full is false.'),
  synchronization: z
    .strictObject({
      schema: z.boolean().default(true).describe('Create the destination tables.'),
      full: z.boolean().default(true).describe('Load the existing rows.'),
      incremental: z.boolean().default(true).describe('Then replicate changes from the binlog.'),
      operations: z
        .array(z.enum(['INSERT', 'UPDATE', 'DELETE']))
        .min(1)
        .default(['INSERT', 'UPDATE', 'DELETE'])
        .describe('Operations to replicate.'),
    })
    .prefault({})
    .describe('Which phases run, and which operations are replicated.'),
  objects: z.array(objectSelection).min(1).describe('What to synchronize.'),
  merge: z.boolean().default(false).describe('Merge several tables with the same columns into one.'),
  conflict: z
    .enum(['report', 'ignore'])
    .default('report')
    .describe(
      'report: the precheck fails if a destination table exists. ignore: the full load keeps existing rows; later changes from the binlog overwrite them.',
    ),
  dirtyData: z
    .union([
      z.enum(['block', 'skip']).transform((policy) => dirtyDataOptions.parse({ policy })),
      dirtyDataOptions,
    ])
    .prefault({})
    .describe('Rows that cannot be written: block (stop and ask) or skip (record and continue).'),
  ddl: z
    .strictObject({
      truncate: z
        .enum(['stop', 'delete'])
        .default('stop')
        .describe('What to do when the source runs TRUNCATE.'),
      onChange: z
        .enum(['stop-table', 'reload'])
        .default('stop-table')
        .describe('What to do when a key, a type in use or a filter column changes.'),
    })
    .prefault({})
    .describe('What becomes of a table when its definition changes at the source.'),
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
      queueSize: z
        .int()
        .min(1)
        .max(1048576)
        .default(1024)
        .describe('Maximum number of waiting rows per bucket.'),
      threads: z
        .int()
        .min(0)
        .max(64)
        .default(4)
        .describe(
          'Full-load chunks read and encoded in parallel, each on its own connection. 0: one at a time.',
        ),
      concurrency: z.int().min(1).max(1000).default(10).describe('Concurrent requests to Tablestore.'),
      buckets: z
        .int()
        .min(1)
        .max(1000)
        .default(10)
        .describe('Number of sequential queues; at most the concurrency.'),
    })
    .refine((w) => w.buckets <= w.concurrency, { path: ['buckets'], message: 'must be at most concurrency' })
    .prefault({})
    .describe('How rows are written to Tablestore.'),
  class: z
    .enum(['micro', 'small', 'medium', 'large', 'unlimited'])
    .default('unlimited')
    .describe('Maximum rows per second: 200, 2,000, 5,000, 10,000 or unlimited.'),
  capitalization: z
    .enum(['default', 'source', 'upper', 'lower'])
    .default('default')
    .describe('Case of names in Tablestore. default: lower case for tables, columns as in the source.'),
  retry: z
    .strictObject({
      connectionMinutes: minutes(
        10,
        'How long to retry when the source or destination is unreachable. More than 30 is recommended.',
        720,
      ),
      otherMinutes: minutes(
        1,
        'How long to retry after other failures. More than 10 is recommended; must be less than connectionMinutes.',
        10,
      ),
    })
    .refine((r) => r.otherMinutes < r.connectionMinutes, {
      path: ['otherMinutes'],
      message: 'must be less than connectionMinutes',
    })
    .prefault({})
    .describe('How long a failure is retried before the task fails.'),
  throttle: z
    .strictObject({
      full: z
        .strictObject({
          queriesPerSecond: rate('Maximum queries per second on the source.'),
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
            .describe('Pause while the source, itself a replica, lags more than this.'),
        })
        .prefault({})
        .describe('Limits while existing rows are loaded.'),
      incremental: z
        .strictObject({
          rowsPerSecond: rate('Rows per second.'),
          megabytesPerSecond: rate('Megabytes per second.'),
        })
        .prefault({})
        .describe('Limits while changes are replicated.'),
    })
    .prefault({})
    .describe('Limits on speed and on the load of the source.'),
  audit: z
    .strictObject({
      rowsPerSecond: z
        .number()
        .positive()
        .describe('Maximum rows per second that the audit reads on each side.'),
      repair: z.boolean().default(false).describe('Repair differences, as verify --repair does.'),
    })
    .nullable()
    .default(null)
    .describe(
      'During incremental replication, continuously compare each table with its source at a low rate, and report differences. null: off.',
    ),
  heartbeat: z
    .enum(['none', 'statement', 'table'])
    .default('none')
    .describe('What to write to the source to advance its binlog.'),
  etl: z.string().default('').describe('Transformation script in the DTS language.'),
  alerts: z
    .strictObject({
      onFailure: z
        .boolean()
        .default(true)
        .describe(
          'Alert when the task fails or is blocked, a table stops, or the audit finds different rows.',
        ),
      latencySeconds: z
        .number()
        .positive()
        .nullable()
        .default(null)
        .describe('Alert when the latency exceeds this many seconds.'),
      latencyForSeconds: z
        .number()
        .positive()
        .default(60)
        .describe('How long the latency must exceed latencySeconds before an alert.'),
      webhook: orVariable((v) => /^https?:$/.test(urlProtocol(v)), 'must be an http:// or https:// address')
        .nullable()
        .default(null)
        .describe('URL that receives each alert as JSON, when it begins and when it ends.'),
      webhookSecret: z
        .string()
        .optional()
        .describe('Secret to sign alerts (HMAC-SHA256 in x-rowferry-signature). Use ${env:NAME}.'),
    })
    .prefault({})
    .describe('Which alerts are sent, and where to.'),
  keepRunning: z.boolean().default(false).describe('Keep running when no window is attached.'),
  tag: z.string().optional().describe('Environment label, for people only.'),
  ignoredChecks: z.array(z.string()).default([]).describe('IDs of accepted precheck warnings.'),
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

/** Files that a source names; relative ones are meant from the folder of the task. */
export const sourceFiles = ['caFile', 'certFile', 'keyFile', 'serverPublicKeyFile'] as const;

export const sourceSchema = inlineSource;
export const destinationSchema = inlineDestination;

/** A task ready to run: both connections inline, every `${env:…}` resolved, id and name present. Holds secrets: memory only. */
export interface ResolvedTask extends Omit<Task, 'source' | 'destination' | 'id' | 'name'> {
  id: string;
  name: string;
  source: SourceSettings;
  destination: DestinationSettings;
}
export const resolvedTaskSchema: z.ZodType<ResolvedTask> = taskSchema.extend({
  id: taskId,
  name: z.string(),
  source: inlineSource,
  destination: inlineDestination,
  // Whoever waits for an answer is less patient than a file may say.
  retry: z.strictObject({ connectionMinutes: z.number().min(0), otherMinutes: z.number().min(0) }),
});
