import { portOf, settingText, sslModeOf, type ImportedSource } from './imported.js';

/** Option files of MySQL (MySQL 8.4 Reference Manual, "Using Option Files"). Pure. */

/**
 * What the section `[client]` of an option file says of a connection, its password included; undefined when it says
 * nothing of one. Other files that it includes are not read.
 */
export function parseMyCnf(text: string): ImportedSource | undefined {
  const options = clientOptions(text);
  const found: ImportedSource = {};
  for (const [option, key] of texts) {
    const value = settingText(options.get(option));
    if (value !== undefined) found[key] = value;
  }
  const port = settingText(options.get('port'));
  if (port !== undefined) found.port = portOf(port);
  const ssl = sslOf(options);
  if (ssl !== undefined) found.ssl = ssl;
  return Object.keys(found).length === 0 ? undefined : found;
}

const texts = [
  ['host', 'host'],
  ['user', 'user'],
  ['password', 'password'],
  ['ssl-ca', 'caFile'],
  ['ssl-cert', 'certFile'],
  ['ssl-key', 'keyFile'],
  ['server-public-key-path', 'serverPublicKeyFile'],
] as const;

/** `ssl` and `ssl-verify-server-cert` are of MySQL before 8 and of MariaDB; an authority is there to be checked. */
function sslOf(options: ReadonlyMap<string, string>): ImportedSource['ssl'] {
  const mode = sslModeOf(options.get('ssl-mode') ?? '');
  if (mode !== undefined) return mode;
  const isOn = (option: string) => options.has(option) && !/^(0|off|false)$/i.test(options.get(option)!);
  if (isOn('skip-ssl') || (options.has('ssl') && !isOn('ssl'))) return 'disabled';
  if (isOn('ssl-verify-server-cert')) return 'verify-identity';
  if (settingText(options.get('ssl-ca')) !== undefined) return 'verify-ca';
  return isOn('ssl') ? 'required' : undefined;
}

/** Options of `[client]` by their name with hyphens; of one that comes twice the last counts. */
function clientOptions(text: string): Map<string, string> {
  const options = new Map<string, string>();
  let isClient = false;
  for (const whole of text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)) {
    const line = whole.trim();
    if (line === '' || /^[#;!]/.test(line)) continue;
    if (line.startsWith('[')) {
      isClient = /^\[\s*client\s*\]/i.test(line);
      continue;
    }
    if (!isClient) continue;
    const option = withoutComment(line);
    const equals = option.indexOf('=');
    const name = (equals < 0 ? option : option.slice(0, equals)).trim();
    const value = equals < 0 ? '' : option.slice(equals + 1).trim();
    options.set(name.replaceAll('_', '-').replace(/^loose-/, ''), unescaped(unquoted(value)));
  }
  return options;
}

/** A # begins a comment in the middle of a line too, but not inside of quotes. */
function withoutComment(line: string): string {
  let quote = '';
  for (let at = 0; at < line.length; at++) {
    const letter = line[at]!;
    if (letter === '\\') at++;
    else if (quote !== '') {
      if (letter === quote) quote = '';
    } else if (letter === '"' || letter === "'") quote = letter;
    else if (letter === '#') return line.slice(0, at).trim();
  }
  return line;
}

function unquoted(value: string): string {
  const [first] = value;
  const isQuoted = value.length >= 2 && (first === '"' || first === "'") && value.endsWith(first);
  return isQuoted ? value.slice(1, -1) : value;
}

const escapes: Record<string, string> = {
  b: '\b',
  t: '\t',
  n: '\n',
  r: '\r',
  s: ' ',
  '\\': '\\',
  '"': '"',
  "'": "'",
};

/** Before another letter a backslash is one: paths of Windows are written with them. */
function unescaped(value: string): string {
  return value.replace(/\\(.)/gs, (both, letter: string) => escapes[letter] ?? both);
}
