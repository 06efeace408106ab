import { isAbsolute } from 'node:path';
import { connectionSecrets, type ConnectionSecret } from '../../shared/connections.js';
import type { Translate } from '../../shared/format.js';
import { keyName } from '../../shared/key-name.js';
import type { SecretState, TaskEdit } from '../../shared/pages.js';
import type { Side } from '../../shared/refusal.js';
import {
  destinationSchema,
  sourceFiles,
  sourceSchema,
  type DestinationSettings,
  type SourceSettings,
} from '../../shared/task.js';
import { isPort, type ImportedSource } from './imported.js';

export interface DraftProblem {
  /** The field, as keyName writes it; `name` for that of the connection. */
  key: string;
  message: string;
  /** Nothing was entered yet: no reason to complain before the person is done. */
  isMissing?: true;
}

/** A saved connection, its secrets included. */
export interface SavedSettings {
  name: string;
  settings: SourceSettings | DestinationSettings;
}

/**
 * A connection as a form has it, before it is saved. What may be shown is in `document`; secrets are kept beside it and
 * only go into `settings()`.
 */
export class ConnectionDraft {
  /** As in a task file: `{ source }` or `{ destination }`, whatever was entered, without secrets. */
  document: Record<string, unknown>;
  private typedName: string | undefined;
  private readonly stored = new Map<ConnectionSecret, string>();
  private readonly entered = new Map<ConnectionSecret, string>();

  /** `saved`: the connection that is edited; undefined: a new one. */
  constructor(
    readonly side: Side,
    private readonly saved?: SavedSettings,
  ) {
    const whole: Record<string, unknown> = {
      [side]: saved?.settings ?? (side === 'source' ? newSource : newDestination),
    };
    for (const key of this.secretKeys) {
      const value = valueAt(whole, key);
      if (typeof value === 'string' && value !== '') this.stored.set(key, value);
    }
    this.document = this.secretKeys.reduce((left, key) => withValue(left, key.split('.')), whole);
  }

  private get schema() {
    return this.side === 'source' ? sourceSchema : destinationSchema;
  }

  private get secretKeys(): ConnectionSecret[] {
    return connectionSecrets.filter((key) => key.startsWith(`${this.side}.`));
  }

  /** Changes fields; what is none of them, or a secret, is not taken. */
  edit(edits: readonly TaskEdit[]): void {
    const fields = new Set(Object.keys(this.schema.shape).map((key) => keyName([this.side, key])));
    for (const key of this.secretKeys) fields.delete(key);
    for (const { path, value } of edits)
      if (fields.has(keyName(path))) this.document = withValue(this.document, path.map(String), value);
  }

  /** `undefined`: nothing entered, what is stored counts; '': no secret at all. */
  setSecret(key: ConnectionSecret, value: string | undefined): void {
    if (value === undefined) this.entered.delete(key);
    else this.entered.set(key, value);
  }

  /** Another server: of what was there nothing is right any more, stored secrets least of all. */
  take({ password, ...found }: ImportedSource): void {
    this.document = { source: { ...newSource, ...found } };
    for (const key of this.secretKeys) this.entered.set(key, '');
    if (password !== undefined) this.entered.set('source.password', password);
  }

  get secrets(): Partial<Record<ConnectionSecret, SecretState>> {
    return Object.fromEntries(
      this.secretKeys.map((key): [ConnectionSecret, SecretState] => {
        const entered = this.entered.get(key);
        if (entered !== undefined) return [key, entered === '' ? 'none' : 'entered'];
        return [key, this.stored.has(key) ? 'stored' : 'none'];
      }),
    );
  }

  rename(name: string): void {
    this.typedName = name.trim() === '' ? undefined : name.trim();
  }

  /** What was typed; else that of the saved one, or one made of the address that is not `taken`. */
  name(taken: readonly string[]): string {
    if (this.saved) return this.saved.name;
    if (this.typedName !== undefined) return this.typedName;
    const { host, port, instance } = (this.document[this.side] ?? {}) as Record<string, unknown>;
    const base =
      this.side === 'destination'
        ? textOf(instance)
        : [textOf(host), ...(port === undefined || port === 3306 ? [] : [textOf(port)])].join(':');
    if (base === '') return '';
    let name = base;
    for (let n = 2; taken.includes(name); n++) name = `${base} (${n})`;
    return name;
  }

  /** What keeps it from being tested and saved. */
  problems(taken: readonly string[], t: Translate): DraftProblem[] {
    const { side } = this;
    const found: DraftProblem[] = [];
    const name = this.name(taken);
    if (name === '') found.push({ key: 'name', message: t('Please enter a value.'), isMissing: true });
    // An object has no property of this name that could be written to a file.
    else if (!this.saved && (taken.includes(name) || name === '__proto__'))
      found.push({ key: 'name', message: t('A connection with this name already exists.') });
    const result = this.schema.safeParse(this.whole(), { reportInput: true });
    for (const { path, input } of result.error?.issues ?? []) {
      // Of a list the field is that of the whole.
      const key = keyName([side, ...path.filter((step) => typeof step === 'string')]);
      const isMissing = input === undefined || input === '';
      found.push({
        key,
        message: isMissing ? t('Please enter a value.') : sentenceOf(key, t),
        ...(isMissing && { isMissing }),
      });
    }
    if (side === 'source') found.push(...this.sourceProblems(t));
    const first = new Map(found.reverse().map((problem) => [problem.key, problem]));
    return [...first.values()].reverse();
  }

  /** Beyond the schema, which must let through what a task file may say. */
  private sourceProblems(t: Translate): DraftProblem[] {
    const source = (this.document['source'] ?? {}) as Record<string, unknown>;
    const found: DraftProblem[] = [];
    if (typeof source['host'] === 'string' && !isHost(source['host']) && source['host'] !== '')
      found.push({ key: 'source.host', message: t('Enter a host name or an address.') });
    const { hosts } = source;
    if (Array.isArray(hosts) && !hosts.every((host) => typeof host === 'string' && isAddress(host)))
      found.push({ key: 'source.hosts', message: sentenceOf('source.hosts', t) });
    for (const key of sourceFiles) {
      const file = source[key];
      if (typeof file === 'string' && file !== '' && !isAbsolute(file) && !file.startsWith('${env:'))
        found.push({
          key: keyName(['source', key]),
          message: t('Enter the whole path, or choose the file.'),
        });
    }
    return found;
  }

  /** Files that it names, by their fields. */
  files(): { key: string; file: string }[] {
    const source = (this.document['source'] ?? {}) as Record<string, unknown>;
    return sourceFiles.flatMap((key) => {
      const file = source[key];
      return typeof file === 'string' ? [{ key: keyName(['source', key]), file }] : [];
    });
  }

  /** Secrets included: for the engine and the store only. Throws where there are problems. */
  settings(): SourceSettings | DestinationSettings {
    return this.schema.parse(this.whole());
  }

  private whole(): unknown {
    const whole = this.secretKeys.reduce((document, key) => {
      const value = this.entered.get(key) ?? this.stored.get(key) ?? '';
      return value === '' ? document : withValue(document, key.split('.'), value);
    }, this.document);
    return whole[this.side];
  }
}

const newSource = { host: '127.0.0.1', port: 3306, user: 'root' };
const newDestination = { endpoint: '', instance: '', accessKeyId: '' };

/** A copy with a value, or without it, at a path; the same where the path leads nowhere. */
function withValue(
  object: Record<string, unknown>,
  path: string[],
  value?: unknown,
): Record<string, unknown> {
  const [step = '', ...rest] = path;
  const { [step]: there, ...others } = object;
  if (rest.length === 0) return value === undefined ? others : { ...object, [step]: value };
  return isObject(there) ? { ...object, [step]: withValue(there, rest, value) } : object;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function valueAt(document: object, key: ConnectionSecret): unknown {
  return key
    .split('.')
    .reduce<unknown>((here, step) => (here as Record<string, unknown> | undefined)?.[step], document);
}

const textOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';

const isHost = (text: string): boolean => !/[\s\p{Cc}/@]/u.test(text);

/** `host`, `host:port` or `[IPv6]:port`. */
function isAddress(text: string): boolean {
  const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  return host !== undefined && isHost(host) && (port === undefined || isPort(Number(port)));
}

/** What may stand in a field, where something else does. */
function sentenceOf(key: string, t: Translate): string {
  switch (key) {
    case 'source.port':
      return t('Enter a port from 1 to 65535.');
    case 'source.hosts':
      return t('Enter addresses as host:port, separated by commas.');
    case 'source.serverId':
      return t('Enter a whole number from 1 to 4294967295, or leave it empty.');
    case 'destination.endpoint':
      return t('The address must begin with http:// or https://.');
    case 'destination.instance':
      return t('Use 3 to 16 letters, digits or hyphens, starting with a letter.');
    default:
      return t('This value is not valid.');
  }
}
