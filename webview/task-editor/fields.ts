import type { TaskEdit } from '../../src/shared/pages.js';
import type { JsonSchema } from '../../src/shared/task-json-schema.js';
import { t } from '../components/words.js';
import { effective, setEdit, valueAt, type Path } from './document.js';

/** A setting of the task file as the form shows it. Default and range come from the schema. */
export interface Field {
  path: Path;
  label: string;
  help: string;
  /** `list`: texts with commas between them. */
  kind: 'number' | 'optional-number' | 'text' | 'optional-text' | 'list' | 'choice' | 'switch';
  choices?: readonly (readonly [value: string, label: string])[];
  unit?: string;
  placeholder?: string;
  /** How a value gets into the file, where that is not plainly at its path. */
  write?: (document: unknown, schema: JsonSchema, value: unknown) => TaskEdit[];
  /** Why it has no effect now, or undefined. */
  idle?: (document: unknown, schema: JsonSchema) => string | undefined;
}

const has = (path: Path, value: unknown) => (document: unknown, schema: JsonSchema) =>
  effective(document, schema, path) === value;
const fullOff = has(['synchronization', 'full'], false);
const incrementalOff = has(['synchronization', 'incremental'], false);
const onlyFull = () => (d: unknown, s: JsonSchema) =>
  fullOff(d, s) ? t('The full load is off.') : undefined;
const onlyIncremental = () => (d: unknown, s: JsonSchema) =>
  incrementalOff(d, s) ? t('The incremental phase is off.') : undefined;

const schemaOff = has(['synchronization', 'schema'], false);
const whileCreating = () => (d: unknown, s: JsonSchema) =>
  schemaOff(d, s) ? t('The schema phase is off: no table is created.') : undefined;
const encrypted = () => (d: unknown, s: JsonSchema) =>
  effective(d, s, ['source', 'ssl']) === 'disabled' ? t('The connection is not encrypted.') : undefined;
const verified = () => (d: unknown, s: JsonSchema) =>
  String(effective(d, s, ['source', 'ssl'])).startsWith('verify')
    ? undefined
    : t('The authority is not checked with this encryption.');

/** The dirty data policy is a word, or an object that holds more: any further setting makes it one. */
const dirtyOption =
  (key: string) =>
  (document: unknown, schema: JsonSchema, value: unknown): TaskEdit[] => {
    const there = valueAt(document, ['dirtyData']);
    if (typeof there === 'object' && there !== null)
      return setEdit(document, schema, ['dirtyData', key], value);
    const policy = typeof there === 'string' ? { policy: there } : {};
    return [{ path: ['dirtyData'], value: { ...policy, [key]: value } as never }];
  };

/** What a source needs beyond host, account and encryption; only for one that is written in the file. */
export function sourceFields(): Field[] {
  return [
    {
      path: ['source', 'caFile'],
      label: t('Certificate authority'),
      help: t('A PEM file.'),
      kind: 'optional-text',
      idle: verified(),
    },
    {
      path: ['source', 'certFile'],
      label: t('Client certificate'),
      help: t('A PEM file; only where the server asks for one.'),
      kind: 'optional-text',
      idle: encrypted(),
    },
    {
      path: ['source', 'keyFile'],
      label: t('Key of the client certificate'),
      help: t('A PEM file.'),
      kind: 'optional-text',
      idle: encrypted(),
    },
    {
      path: ['source', 'hosts'],
      label: t('Further addresses'),
      help: t('host:port of the same data, tried when the first fails. Needs GTID.'),
      kind: 'list',
      placeholder: '10.0.0.2:3306',
    },
    {
      path: ['source', 'serverId'],
      label: t('server_id'),
      help: t('For reading the binlog. Empty: a random one, and another when it is in use.'),
      kind: 'optional-number',
      placeholder: t('random'),
    },
  ];
}

export function destinationFields(): Field[] {
  return [
    {
      path: ['destination', 'securityToken'],
      label: t('STS token'),
      help: t('Only with temporary credentials: write ${env:NAME}.'),
      kind: 'optional-text',
    },
  ];
}

/** Options of the tables that the task makes; for a saved destination too. */
export function tableFields(): Field[] {
  return [
    {
      path: ['destination', 'tables', 'timeToLive'],
      label: t('Time to live'),
      help: t('After it data expires; -1: never, else at least 86400.'),
      kind: 'number',
      unit: t('seconds'),
      idle: whileCreating(),
    },
    {
      path: ['destination', 'tables', 'maxVersions'],
      label: t('Versions of a cell'),
      help: t('How many versions of each cell are kept.'),
      kind: 'number',
      idle: whileCreating(),
    },
    {
      path: ['destination', 'tables', 'reservedRead'],
      label: t('Reserved read capacity'),
      help: t('Costs money while it is reserved; 0: pay by use.'),
      kind: 'number',
      unit: t('CU'),
      idle: whileCreating(),
    },
    {
      path: ['destination', 'tables', 'reservedWrite'],
      label: t('Reserved write capacity'),
      help: t('Costs money while it is reserved; 0: pay by use.'),
      kind: 'number',
      unit: t('CU'),
      idle: whileCreating(),
    },
    {
      path: ['destination', 'tableLimit'],
      label: t('Tables of the instance'),
      help: t('How many it may hold; Alibaba Cloud raises it on request.'),
      kind: 'number',
    },
  ];
}

export function synchronizationFields(): Field[] {
  return [
    {
      path: ['synchronization', 'schema'],
      label: t('Schema'),
      help: t('Create the destination tables.'),
      kind: 'switch',
    },
    {
      path: ['synchronization', 'full'],
      label: t('Full load'),
      help: t('Load the rows that exist.'),
      kind: 'switch',
    },
    {
      path: ['synchronization', 'incremental'],
      label: t('Incremental'),
      help: t('Then follow every change from the binlog.'),
      kind: 'switch',
    },
  ];
}

export function writingFields(): Field[] {
  return [
    {
      path: ['conflict'],
      label: t('Processing Mode of Conflicting Tables'),
      help: t(
        'Report: the precheck fails when a destination table of that name exists. Ignore: the full load keeps rows that exist, the binlog overwrites them.',
      ),
      kind: 'choice',
      choices: [
        ['report', t('Precheck and Report Errors')],
        ['ignore', t('Ignore Errors and Proceed')],
      ],
    },
    {
      path: ['dirtyData'],
      label: t('Dirty Data Processing Policy'),
      help: t(
        'A row that cannot be written is always recorded. Skip goes on; Block stops at it until you decide.',
      ),
      kind: 'choice',
      choices: [
        ['block', t('Block')],
        ['skip', t('Skip')],
      ],
    },
    {
      path: ['dirtyData', 'keepDays'],
      label: t('Keep dirty records'),
      help: t('They hold data of people: no longer than they are needed.'),
      kind: 'number',
      unit: t('days'),
      write: dirtyOption('keepDays'),
    },
    {
      path: ['dirtyData', 'maxMegabytes'],
      label: t('Space for dirty records'),
      help: t('How much room they may take on this machine.'),
      kind: 'number',
      unit: 'MB',
      write: dirtyOption('maxMegabytes'),
    },
    {
      path: ['dirtyData', 'mask'],
      label: t('Masked columns'),
      help: t('Columns whose values are not kept in dirty records.'),
      kind: 'list',
      placeholder: 'email, phone',
      write: dirtyOption('mask'),
    },
    {
      path: ['write', 'mode'],
      label: t('Data Write Mode'),
      help: t(
        'PutRow replaces the whole row. UpdateRow writes the given columns and deletes those that are now NULL.',
      ),
      kind: 'choice',
      choices: [
        ['put-row', t('Update Row (PutRowChange)')],
        ['update-row', t('Overwrite Row (UpdateRowChange)')],
      ],
    },
    {
      path: ['write', 'batch'],
      label: t('Batch Write Mode'),
      help: t('BulkImport is recommended. Where a condition is needed, BatchWriteRow is used anyway.'),
      kind: 'choice',
      choices: [
        ['bulk-import', t('BulkImportRequest')],
        ['batch-write', t('BatchWriteRowRequest')],
      ],
    },
    {
      path: ['capitalization'],
      label: t('Capitalization of Object Names'),
      help: t('Case of names in Tablestore. A rename always wins.'),
      kind: 'choice',
      choices: [
        ['default', t('DTS default: tables lower case, columns as in the source')],
        ['source', t('As in the source')],
        ['upper', t('All upper case')],
        ['lower', t('All lower case')],
      ],
    },
    {
      path: ['write', 'queueSize'],
      label: t('Queue Size'),
      help: t('Rows that may wait in each bucket.'),
      kind: 'number',
      unit: t('rows'),
    },
    {
      path: ['write', 'threads'],
      label: t('Thread Quantity'),
      help: t('Chunks of the full load that are read and encoded side by side; 0: one after the other.'),
      kind: 'number',
    },
    {
      path: ['write', 'concurrency'],
      label: t('Concurrency'),
      help: t('Requests to Tablestore at the same time. Above the buckets it only helps the full load.'),
      kind: 'number',
    },
    {
      path: ['write', 'buckets'],
      label: t('Buckets'),
      help: t('Sequential queues; each key always goes through the same one. At most the concurrency.'),
      kind: 'number',
    },
  ];
}

export function advancedFields(): { title: string; fields: Field[] }[] {
  return [
    {
      title: t('Speed'),
      fields: [
        {
          path: ['class'],
          label: t('Instance Class'),
          help: t(
            'A limit on rows per second, as the instance classes of DTS have it. A tighter limit below wins.',
          ),
          kind: 'choice',
          choices: [
            ['unlimited', t('Unlimited')],
            ['micro', t('micro: 200 rows/s')],
            ['small', t('small: 2,000 rows/s')],
            ['medium', t('medium: 5,000 rows/s')],
            ['large', t('large: 10,000 rows/s')],
          ],
        },
        {
          path: ['throttle', 'full', 'queriesPerSecond'],
          label: t('Full load: queries on the source'),
          help: t('Off-peak hours are the best time for a full load.'),
          kind: 'optional-number',
          unit: t('per second'),
          idle: onlyFull(),
        },
        {
          path: ['throttle', 'full', 'rowsPerSecond'],
          label: t('Full load: rows'),
          help: t('Can be changed while the task runs.'),
          kind: 'optional-number',
          unit: t('per second'),
          idle: onlyFull(),
        },
        {
          path: ['throttle', 'full', 'megabytesPerSecond'],
          label: t('Full load: megabytes'),
          help: t('Can be changed while the task runs.'),
          kind: 'optional-number',
          unit: t('per second'),
          idle: onlyFull(),
        },
        {
          path: ['throttle', 'full', 'maxThreadsRunning'],
          label: t('Full load: busy source'),
          help: t('It pauses while the source runs more threads than this.'),
          kind: 'optional-number',
          unit: t('threads running'),
          idle: onlyFull(),
        },
        {
          path: ['throttle', 'full', 'maxReplicaLagSeconds'],
          label: t('Full load: source that lags'),
          help: t('It pauses while the source, a replica itself, lags more than this.'),
          kind: 'optional-number',
          unit: t('seconds'),
          idle: onlyFull(),
        },
        {
          path: ['throttle', 'incremental', 'rowsPerSecond'],
          label: t('Incremental: rows'),
          help: t('Can be changed while the task runs.'),
          kind: 'optional-number',
          unit: t('per second'),
          idle: onlyIncremental(),
        },
        {
          path: ['throttle', 'incremental', 'megabytesPerSecond'],
          label: t('Incremental: megabytes'),
          help: t('Can be changed while the task runs.'),
          kind: 'optional-number',
          unit: t('per second'),
          idle: onlyIncremental(),
        },
      ],
    },
    {
      title: t('Failures'),
      fields: [
        {
          path: ['retry', 'connectionMinutes'],
          label: t('Retry Time for Failed Connections'),
          help: t(
            'How long an unreachable source or destination is tried again. More than 30 is recommended.',
          ),
          kind: 'number',
          unit: t('minutes'),
        },
        {
          path: ['retry', 'otherMinutes'],
          label: t('Retry Time for Other Issues'),
          help: t('More than 10 is recommended. Must be less than the time for connections.'),
          kind: 'number',
          unit: t('minutes'),
        },
        {
          path: ['alerts', 'onFailure'],
          label: t('Tell me when the task fails'),
          help: t('As a notification of this editor.'),
          kind: 'switch',
        },
        {
          path: ['alerts', 'latencySeconds'],
          label: t('Tell me when the latency passes'),
          help: t('Empty: never.'),
          kind: 'optional-number',
          placeholder: t('never'),
          unit: t('seconds'),
          idle: onlyIncremental(),
        },
        {
          path: ['alerts', 'latencyForSeconds'],
          label: t('for longer than'),
          help: t('A short peak is not told.'),
          kind: 'number',
          unit: t('seconds'),
          idle: (d, s) =>
            incrementalOff(d, s)
              ? t('The incremental phase is off.')
              : effective(d, s, ['alerts', 'latencySeconds']) === null
                ? t('No latency is set above.')
                : undefined,
        },
        {
          path: ['alerts', 'webhook'],
          label: t('Webhook'),
          help: t('Each alert is posted to this address as JSON, when it begins and when it is over.'),
          kind: 'optional-text',
          placeholder: 'https://',
          write: (document, schema, value) => setEdit(document, schema, ['alerts', 'webhook'], value ?? null),
        },
        {
          path: ['alerts', 'webhookSecret'],
          label: t('Secret of the webhook'),
          help: t('Signs what is posted: write ${env:NAME}.'),
          kind: 'optional-text',
          placeholder: '${env:HOOK_SECRET}',
          idle: (d, s) =>
            effective(d, s, ['alerts', 'webhook']) === null ? t('No webhook is set.') : undefined,
        },
      ],
    },
    {
      title: t('Changes of the source'),
      fields: [
        {
          path: ['ddl', 'truncate'],
          label: t('TRUNCATE at the source'),
          help: t('Stop the table, or delete its rows in Tablestore too.'),
          kind: 'choice',
          choices: [
            ['stop', t('Stop the table')],
            ['delete', t('Delete the rows')],
          ],
          idle: onlyIncremental(),
        },
        {
          path: ['ddl', 'onChange'],
          label: t('Change of a key, a type in use or a filter column'),
          help: t('Stop the table and say why, or load it again.'),
          kind: 'choice',
          choices: [
            ['stop-table', t('Stop the table')],
            ['reload', t('Load it again')],
          ],
          idle: onlyIncremental(),
        },
        {
          path: ['heartbeat'],
          label: t('Heartbeat'),
          help: t('Moves the binlog of an idle source on. A table also gives the true latency.'),
          kind: 'choice',
          choices: [
            ['none', t('Yes: do not write to the source')],
            ['statement', t('No: write a statement to the source')],
            ['table', t('Write a heartbeat table')],
          ],
          idle: onlyIncremental(),
        },
        {
          path: ['merge'],
          label: t('Multi-table Merge'),
          help: t(
            'Several tables of the same shape go into one; the column __dts_data_source says where a row came from.',
          ),
          kind: 'switch',
        },
      ],
    },
    {
      title: t('Task'),
      fields: [
        {
          path: ['keepRunning'],
          label: t('Go on when the last window is closed'),
          help: t('Otherwise it stops safely and goes on from the same place when you start it again.'),
          kind: 'switch',
        },
        {
          path: ['tag'],
          label: t('Environment Tag'),
          help: t('For people only.'),
          kind: 'optional-text',
        },
        {
          path: ['ignoredChecks'],
          label: t('Accepted warnings'),
          help: t(
            'Ids of precheck warnings that do not keep the task from starting. The precheck page sets them.',
          ),
          kind: 'list',
        },
      ],
    },
  ];
}
