import * as vscode from 'vscode';
import {
  destinationSchema,
  sourceSchema,
  type DestinationSettings,
  type SourceSettings,
} from '../../shared/task.js';
import {
  endpointParts,
  isInstanceName,
  isRegion,
  tablestoreEndpoint,
  type Network,
} from '../../shared/tablestore-endpoint.js';
import { parseMysqlUrl } from './addresses.js';
import { ask, type Step } from './multi-step.js';

export interface Answer<T> {
  name: string;
  settings: T;
}

const required = (text: string) => (text.trim() === '' ? vscode.l10n.t('Please enter a value.') : undefined);

const nameStep = (suggested: string, taken: readonly string[], accept: (name: string) => void): Step => ({
  kind: 'text',
  prompt: vscode.l10n.t('Connection name, used by tasks'),
  value: suggested,
  validate: (text) =>
    required(text) ??
    (taken.includes(text.trim()) ? vscode.l10n.t('A connection with this name already exists.') : undefined),
  accept: (text) => accept(text.trim()),
});

/** Asks for a MySQL connection. `taken`: names that are in use. Throws CancellationError. */
export async function askForMysql(
  title: string,
  taken: readonly string[],
  from?: Answer<SourceSettings>,
): Promise<Answer<SourceSettings>> {
  const settings: SourceSettings = from
    ? { ...from.settings }
    : sourceSchema.parse({ user: 'root', host: '127.0.0.1' });
  const answer = { name: from?.name ?? '', settings };
  let complete = false;
  const { t } = vscode.l10n;
  await ask(title, () => {
    const steps: Step[] = [
      {
        kind: 'text',
        prompt: t('Host name or address of MySQL, or a whole URL: mysql://user:password@host:port'),
        value: settings.host,
        validate: (text) =>
          required(text) ??
          (text.includes('://') && !parseMysqlUrl(text) ? t('Enter a mysql:// URL.') : undefined),
        accept: (text) => {
          const url = parseMysqlUrl(text);
          complete = url?.user !== undefined && url.password !== undefined;
          Object.assign(settings, url ?? { host: text.trim() });
        },
      },
    ];
    if (!complete) {
      steps.push(
        {
          kind: 'text',
          prompt: t('Port of MySQL'),
          value: String(settings.port),
          validate: (text) =>
            /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65535
              ? undefined
              : t('Enter a port from 1 to 65535.'),
          accept: (text) => (settings.port = Number(text)),
        },
        {
          kind: 'text',
          prompt: t('MySQL user. It needs REPLICATION CLIENT, REPLICATION SLAVE and SELECT.'),
          value: settings.user,
          validate: required,
          accept: (text) => (settings.user = text.trim()),
        },
        {
          kind: 'text',
          prompt: t('Password, stored in the secret storage of this editor'),
          password: true,
          value: settings.password,
          accept: (text) => (settings.password = text),
        },
      );
    }
    steps.push({
      kind: 'pick',
      prompt: t('Encryption of the connection'),
      value: settings.ssl,
      items: [
        {
          value: 'preferred',
          label: t('TLS if the server offers it'),
          description: t('except to this machine'),
        },
        { value: 'disabled', label: t('No TLS'), description: t('in a network that you trust') },
        { value: 'required', label: t('TLS'), description: t('encrypted, server not verified') },
        { value: 'verify-ca', label: t('TLS, check the authority'), description: t('needs a CA file') },
        {
          value: 'verify-identity',
          label: t('TLS, check authority and host name'),
          description: t('needs a CA file'),
        },
      ],
      accept: (value) => (settings.ssl = value as SourceSettings['ssl']),
    });
    if (settings.ssl === 'verify-ca' || settings.ssl === 'verify-identity') {
      steps.push({
        kind: 'text',
        prompt: t('Path of the CA file (PEM)'),
        value: settings.caFile ?? '',
        file: true,
        validate: required,
        accept: (text) => (settings.caFile = text.trim()),
      });
    } else delete settings.caFile;
    if (!from) steps.push(nameStep(answer.name || settings.host, taken, (name) => (answer.name = name)));
    return steps;
  });
  return { name: answer.name, settings: sourceSchema.parse(settings) };
}

/** Asks for a Tablestore connection, by region, instance and network, or by endpoint. Throws CancellationError. */
export async function askForTablestore(
  title: string,
  taken: readonly string[],
  from?: Answer<DestinationSettings>,
): Promise<Answer<DestinationSettings>> {
  const { t } = vscode.l10n;
  let by: 'region' | 'endpoint' = from ? 'endpoint' : 'region';
  let region = 'cn-hangzhou';
  let network: Network = 'public';
  let name = from?.name ?? '';
  const draft = {
    endpoint: from?.settings.endpoint ?? '',
    instance: from?.settings.instance ?? '',
    accessKeyId: from?.settings.accessKeyId ?? '',
    accessKeySecret: from?.settings.accessKeySecret ?? '',
  };
  const instanceStep: Step = {
    kind: 'text',
    prompt: t('Name of the Tablestore instance'),
    get value() {
      return draft.instance || (endpointParts(draft.endpoint)?.instance ?? '');
    },
    validate: (text) =>
      isInstanceName(text.trim())
        ? undefined
        : t('Use 3 to 16 letters, digits or hyphens, starting with a letter.'),
    accept: (text) => (draft.instance = text.trim()),
  };
  await ask(title, () => {
    const steps: Step[] = [];
    if (!from) {
      steps.push({
        kind: 'pick',
        prompt: t('How do you want to specify the instance?'),
        value: by,
        items: [
          {
            value: 'region',
            label: t('Region and instance'),
            description: t('an instance of Alibaba Cloud'),
          },
          { value: 'endpoint', label: t('Endpoint'), description: t('its http:// or https:// address') },
        ],
        accept: (value) => (by = value as typeof by),
      });
    }
    if (by === 'region') {
      steps.push(
        {
          kind: 'text',
          prompt: t('Region of the instance'),
          placeholder: 'cn-hangzhou',
          value: region,
          validate: (text) => (isRegion(text.trim()) ? undefined : t('Enter a region such as cn-hangzhou.')),
          accept: (text) => (region = text.trim()),
        },
        instanceStep,
        {
          kind: 'pick',
          prompt: t('Where do you connect from?'),
          value: network,
          items: [
            { value: 'public', label: t('Public network') },
            { value: 'vpc', label: t('VPC'), description: t('from a VPC bound to the instance') },
            {
              value: 'internal',
              label: t('Internal network'),
              description: t('from ECS in the same region'),
            },
          ],
          accept: (value) => {
            network = value as Network;
            draft.endpoint = tablestoreEndpoint({ instance: draft.instance, region, network });
          },
        },
      );
    } else {
      steps.push(
        {
          kind: 'text',
          prompt: t('Endpoint of the instance'),
          value: draft.endpoint,
          placeholder: 'https://INSTANCE.REGION.ots.aliyuncs.com',
          validate: (text) =>
            /^https?:\/\/[^\s]+$/.test(text.trim())
              ? undefined
              : t('The address must begin with http:// or https://.'),
          accept: (text) => (draft.endpoint = text.trim()),
        },
        instanceStep,
      );
    }
    steps.push(
      {
        kind: 'text',
        prompt: t('AccessKey ID, preferably of a dedicated RAM user'),
        value: draft.accessKeyId,
        validate: required,
        accept: (text) => (draft.accessKeyId = text.trim()),
      },
      {
        kind: 'text',
        prompt: t('AccessKey secret, stored in the secret storage of this editor'),
        password: true,
        value: draft.accessKeySecret,
        validate: required,
        accept: (text) => (draft.accessKeySecret = text.trim()),
      },
    );
    if (!from) steps.push(nameStep(name || draft.instance, taken, (chosen) => (name = chosen)));
    return steps;
  });
  return { name, settings: destinationSchema.parse({ ...from?.settings, ...draft }) };
}

/**
 * A MySQL connection from one URL; asks further only for a user or password that it lacks. The name is that of the
 * host, made unique. Throws CancellationError.
 */
export async function askForMysqlUrl(taken: readonly string[]): Promise<Answer<SourceSettings>> {
  const { t } = vscode.l10n;
  const draft: Partial<SourceSettings> = {};
  let missing = { user: false, password: false };
  await ask(t('Add MySQL from URL'), () => {
    const steps: Step[] = [
      {
        kind: 'text',
        prompt: t('The URL of MySQL; ?ssl-mode=VERIFY_CA&ssl-ca=FILE for TLS'),
        placeholder: 'mysql://user:password@host:3306',
        validate: (text) => (parseMysqlUrl(text) ? undefined : t('Enter a mysql:// URL.')),
        accept: (text) => {
          for (const key of Object.keys(draft)) delete draft[key as keyof SourceSettings];
          Object.assign(draft, parseMysqlUrl(text));
          missing = { user: draft.user === undefined, password: draft.password === undefined };
        },
      },
    ];
    if (missing.user) {
      steps.push({
        kind: 'text',
        prompt: t('MySQL user. It needs REPLICATION CLIENT, REPLICATION SLAVE and SELECT.'),
        value: draft.user ?? 'root',
        validate: required,
        accept: (text) => (draft.user = text.trim()),
      });
    }
    if (missing.password) {
      steps.push({
        kind: 'text',
        prompt: t('Password, stored in the secret storage of this editor'),
        password: true,
        accept: (text) => (draft.password = text),
      });
    }
    return steps;
  });
  const settings = sourceSchema.parse(draft);
  const base = settings.port === 3306 ? settings.host : `${settings.host}:${settings.port}`;
  let name = base;
  for (let n = 2; taken.includes(name); n++) name = `${base} (${n})`;
  return { name, settings };
}
