import { t } from '../components/words.js';
import { effective, setEdit, valueAt } from './document.js';
import { incrementalOff, onlyFull, onlyIncremental, type Field } from './fields.js';

const isObject = (value: unknown) => typeof value === 'object' && value !== null;

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
            'How long to retry when the source or destination is unreachable. More than 30 is recommended.',
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
          label: t('Tell me when the task needs me'),
          help: t(
            'When it fails or is blocked, a table stops, or the audit finds rows that differ: as a notification of this editor, and to the webhook.',
          ),
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
      title: t('Audit'),
      fields: [
        {
          path: ['audit', 'rowsPerSecond'],
          label: t('Audit: rows'),
          help: t(
            'While changes are followed, every row is compared again and again at this rate, in both directions. Empty: no audit. 500 is a good beginning.',
          ),
          kind: 'optional-number',
          placeholder: t('off'),
          unit: t('per second'),
          write: (document, _schema, value) =>
            value === null || value === undefined
              ? [{ path: ['audit'] }]
              : isObject(valueAt(document, ['audit']))
                ? [{ path: ['audit', 'rowsPerSecond'], value: value as never }]
                : [{ path: ['audit'], value: { rowsPerSecond: value } as never }],
          idle: onlyIncremental(),
        },
        {
          path: ['audit', 'repair'],
          label: t('Put right what the audit finds'),
          help: t(
            'Missing and different rows are written as the source has them; rows that the source does not have are deleted. Otherwise they are only told.',
          ),
          kind: 'switch',
          idle: (d, s) =>
            incrementalOff(d, s)
              ? t('The incremental phase is off.')
              : valueAt(d, ['audit', 'rowsPerSecond']) === undefined
                ? t('The audit is off.')
                : undefined,
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
