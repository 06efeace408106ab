import { effective, type Path } from './document.js';
import { t } from '../components/words.js';
import type { JsonSchema } from '../../src/shared/task-json-schema.js';

/** A setting of the task file as the form shows it. Default and range come from the schema. */
export interface Field {
  path: Path;
  label: string;
  help: string;
  kind: 'number' | 'optional-number' | 'text' | 'optional-text' | 'choice' | 'switch';
  choices?: readonly (readonly [value: string, label: string])[];
  unit?: string;
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
      help: t('Encoder workers; 0: none.'),
      kind: 'number',
    },
    {
      path: ['write', 'concurrency'],
      label: t('Concurrency'),
      help: t('Requests to Tablestore at the same time.'),
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
          help: t('A limit on rows per second, as the instance classes of DTS have it.'),
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
          unit: t('seconds'),
          idle: onlyIncremental(),
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
      ],
    },
  ];
}
