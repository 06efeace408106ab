import { t } from '../../components/words.js';
import { effective, setEdit, valueAt } from '../form/document.js';
import { incrementalOff, onlyFull, onlyIncremental, type Field } from '../form/fields.js';

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
            'Limits rows per second, like the instance classes of DTS. A stricter limit below takes precedence.',
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
          help: t('Run full loads during off-peak hours.'),
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
          help: t('Pauses while the source runs more threads than this.'),
          kind: 'optional-number',
          unit: t('threads running'),
          idle: onlyFull(),
        },
        {
          path: ['throttle', 'full', 'maxReplicaLagSeconds'],
          label: t('Full load: lagging source'),
          help: t('Pauses while the source, itself a replica, lags more than this.'),
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
          help: t('More than 10 is recommended. Must be less than the retry time for failed connections.'),
          kind: 'number',
          unit: t('minutes'),
        },
        {
          path: ['alerts', 'onFailure'],
          label: t('Alert when the task needs attention'),
          help: t(
            'Sends a notification in this editor and to the webhook when the task fails or is blocked, a table stops, or the audit finds different rows.',
          ),
          kind: 'switch',
        },
        {
          path: ['alerts', 'latencySeconds'],
          label: t('Alert when the latency exceeds'),
          help: t('Empty: no alert.'),
          kind: 'optional-number',
          placeholder: t('never'),
          unit: t('seconds'),
          idle: onlyIncremental(),
        },
        {
          path: ['alerts', 'latencyForSeconds'],
          label: t('for longer than'),
          help: t('Short spikes raise no alert.'),
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
          help: t('Rowferry posts each alert to this URL as JSON when it begins and when it ends.'),
          kind: 'optional-text',
          placeholder: 'https://',
          write: (document, schema, value) => setEdit(document, schema, ['alerts', 'webhook'], value ?? null),
        },
        {
          path: ['alerts', 'webhookSecret'],
          label: t('Webhook secret'),
          help: t('Signs the alerts. Use ${env:NAME}.'),
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
            'During incremental replication, continuously compares all rows in both directions at this rate. Empty: no audit. 500 is a good start.',
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
          label: t('Repair differences found by the audit'),
          help: t(
            'Writes missing and different rows from the source, and deletes rows that the source does not have. Off: only reports them.',
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
      title: t('Schema changes of the source'),
      fields: [
        {
          path: ['ddl', 'truncate'],
          label: t('TRUNCATE at the source'),
          help: t('Stop the table, or also delete its rows in Tablestore.'),
          kind: 'choice',
          choices: [
            ['stop', t('Stop the table')],
            ['delete', t('Delete the rows')],
          ],
          idle: onlyIncremental(),
        },
        {
          path: ['ddl', 'onChange'],
          label: t('Change to a key, a type in use or a filter column'),
          help: t('Stop the table and show the reason, or reload it.'),
          kind: 'choice',
          choices: [
            ['stop-table', t('Stop the table')],
            ['reload', t('Reload the table')],
          ],
          idle: onlyIncremental(),
        },
        {
          path: ['heartbeat'],
          label: t('Heartbeat'),
          help: t('Advances the binlog of an idle source. A heartbeat table also gives the true latency.'),
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
            'Merges several tables with the same columns into one. The column __dts_data_source shows where a row came from.',
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
          label: t('Keep running after the last window closes'),
          help: t('Off: the task stops safely, and continues from its checkpoint when you start it again.'),
          kind: 'switch',
        },
        {
          path: ['tag'],
          label: t('Environment Tag'),
          help: t('A label for people; no effect on the task.'),
          kind: 'optional-text',
        },
        {
          path: ['ignoredChecks'],
          label: t('Accepted warnings'),
          help: t(
            'IDs of precheck warnings that do not prevent the task from starting. The Precheck page sets them.',
          ),
          kind: 'list',
        },
      ],
    },
  ];
}
