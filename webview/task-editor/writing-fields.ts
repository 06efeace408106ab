import type { TaskEdit } from '../../src/shared/pages.js';
import type { JsonSchema } from '../../src/shared/task-json-schema.js';
import { t } from '../components/words.js';
import { setEdit, valueAt } from './document.js';
import type { Field } from './fields.js';

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
      help: t('Maximum number of waiting rows per bucket.'),
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
