import type { JsonSchema } from '../../../src/shared/task-json-schema.js';
import { t } from '../../components/words.js';
import { effective } from '../form/document.js';
import { has, type Field } from '../form/fields.js';

const schemaOff = has(['synchronization', 'schema'], false);
const whileCreating = () => (d: unknown, s: JsonSchema) =>
  schemaOff(d, s) ? t('The schema phase is off: no table is created.') : undefined;
const encrypted = () => (d: unknown, s: JsonSchema) =>
  effective(d, s, ['source', 'ssl']) === 'disabled' ? t('The connection is not encrypted.') : undefined;
const verified = () => (d: unknown, s: JsonSchema) =>
  String(effective(d, s, ['source', 'ssl'])).startsWith('verify')
    ? undefined
    : t('This encryption mode does not verify the certificate authority.');

/** `help`: what the chosen mode means. */
export function encryptionField(help = ''): Field {
  return {
    path: ['source', 'ssl'],
    label: t('Encryption'),
    help,
    kind: 'choice',
    choices: [
      ['preferred', t('TLS if the server offers it')],
      ['disabled', t('No TLS')],
      ['required', t('TLS')],
      ['verify-ca', t('TLS, check the authority')],
      ['verify-identity', t('TLS, check authority and host name')],
    ],
  };
}

/** What a source needs beyond host, account and encryption; only for one that is written in the file. */
export function sourceFields(): Field[] {
  return [
    {
      path: ['source', 'caFile'],
      label: t('Certificate authority'),
      help: t('A PEM file.'),
      kind: 'file',
      idle: verified(),
    },
    {
      path: ['source', 'certFile'],
      label: t('Client certificate'),
      help: t('A PEM file. Needed only if the server requires one.'),
      kind: 'file',
      idle: encrypted(),
    },
    {
      path: ['source', 'keyFile'],
      label: t('Private key of the client certificate'),
      help: t('A PEM file.'),
      kind: 'file',
      idle: encrypted(),
    },
    {
      path: ['source', 'serverPublicKeyFile'],
      label: t('Public key of the server'),
      help: t('A PEM file (public_key.pem), to encrypt the password without TLS.'),
      kind: 'file',
    },
    {
      path: ['source', 'allowPublicKeyRetrieval'],
      label: t('Trust whichever server answers'),
      help: t('Send it the password without proof of its identity. Only in a network that you trust.'),
      kind: 'switch',
    },
    {
      path: ['source', 'hosts'],
      label: t('More addresses'),
      help: t('host:port of the same data, tried when the first address fails. Requires GTIDs.'),
      kind: 'list',
      placeholder: '10.0.0.2:3306',
    },
    {
      path: ['source', 'serverId'],
      label: t('server_id'),
      help: t('For reading the binlog. Empty: random, changed if already in use.'),
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
      help: t('For temporary credentials only. Use ${env:NAME}.'),
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
      help: t('Data expires after this time. -1: never; otherwise at least 86400.'),
      kind: 'number',
      unit: t('seconds'),
      idle: whileCreating(),
    },
    {
      path: ['destination', 'tables', 'maxVersions'],
      label: t('Versions of a cell'),
      help: t('Number of versions to keep per cell.'),
      kind: 'number',
      idle: whileCreating(),
    },
    {
      path: ['destination', 'tables', 'reservedRead'],
      label: t('Reserved read capacity'),
      help: t('Reserved capacity costs money even when unused. 0: pay by use.'),
      kind: 'number',
      unit: t('CU'),
      idle: whileCreating(),
    },
    {
      path: ['destination', 'tables', 'reservedWrite'],
      label: t('Reserved write capacity'),
      help: t('Reserved capacity costs money even when unused. 0: pay by use.'),
      kind: 'number',
      unit: t('CU'),
      idle: whileCreating(),
    },
    {
      path: ['destination', 'tableLimit'],
      label: t('Tables of the instance'),
      help: t('Table limit of the instance. Alibaba Cloud raises it on request.'),
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
      help: t('Load the existing rows.'),
      kind: 'switch',
    },
    {
      path: ['synchronization', 'incremental'],
      label: t('Incremental'),
      help: t('Then replicate every change from the binlog.'),
      kind: 'switch',
    },
  ];
}
