import type { TaskEdit } from '../../../src/shared/pages.js';
import type { JsonSchema } from '../../../src/shared/task-json-schema.js';
import { t } from '../../components/words.js';
import { setEdit, valueAt } from '../form/document.js';
import type { Field } from '../form/fields.js';

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
        'Report: the precheck fails if a destination table with the same name exists. Ignore: the full load keeps existing rows; later changes from the binlog overwrite them.',
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
        'Rows that cannot be written are always recorded. Skip continues; Block stops until you decide.',
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
      help: t('They may contain personal data. Keep them no longer than needed.'),
      kind: 'number',
      unit: t('days'),
      write: dirtyOption('keepDays'),
    },
    {
      path: ['dirtyData', 'maxMegabytes'],
      label: t('Space for dirty records'),
      help: t('Maximum space they may use on this machine.'),
      kind: 'number',
      unit: 'MB',
      write: dirtyOption('maxMegabytes'),
    },
    {
      path: ['dirtyData', 'mask'],
      label: t('Masked columns'),
      help: t('Columns whose values are not stored in dirty records.'),
      kind: 'list',
      placeholder: 'email, phone',
      write: dirtyOption('mask'),
    },
    {
      path: ['write', 'mode'],
      label: t('Data Write Mode'),
      help: t(
        'PutRow writes the row anew: other columns of it in Tablestore go. UpdateRow writes the columns of the task and deletes those that are now NULL: other columns stay.',
      ),
      kind: 'choice',
      choices: [
        // DTS has the two names crossed on its page: they are here for who comes from it.
        ['put-row', t('Replace the whole row (DTS: Update Row)')],
        ['update-row', t('Update the given columns (DTS: Overwrite Row)')],
      ],
    },
    {
      path: ['write', 'batch'],
      label: t('Batch Write Mode'),
      help: t('BulkImport is recommended. Rowferry always uses BatchWriteRow for conditional writes.'),
      kind: 'choice',
      choices: [
        ['bulk-import', t('BulkImportRequest')],
        ['batch-write', t('BatchWriteRowRequest')],
      ],
    },
    {
      path: ['capitalization'],
      label: t('Capitalization of Object Names'),
      help: t('Case of names in Tablestore. A rename always takes precedence.'),
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
      help: t('Full-load chunks read and encoded in parallel. 0: one at a time.'),
      kind: 'number',
    },
    {
      path: ['write', 'concurrency'],
      label: t('Concurrency'),
      help: t(
        'Concurrent requests to Tablestore. Values above the number of buckets only speed up the full load.',
      ),
      kind: 'number',
    },
    {
      path: ['write', 'buckets'],
      label: t('Buckets'),
      help: t('Number of sequential queues. Each key always uses the same queue. At most the concurrency.'),
      kind: 'number',
    },
  ];
}
