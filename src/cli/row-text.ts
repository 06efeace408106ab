/** Values of Tablestore rows as text. */

/** For people: text as it is, bytes as 0x…, line ends made visible. */
export function cellText(value: unknown): string {
  if (Buffer.isBuffer(value)) return `0x${value.toString('hex')}`;
  return String(value).replaceAll('\r', '\\r').replaceAll('\n', '\\n').replaceAll('\t', '\\t');
}

/**
 * One row as one line of JSON: `{"key":{…},"columns":{…}}`. Integers are JSON numbers with every digit; bytes are
 * `{"base64":"…"}`, so that a text can never be mistaken for them.
 */
export function rowJson(key: Record<string, unknown>, columns: Record<string, unknown>): string {
  return `{"key":${objectJson(key)},"columns":${objectJson(columns)}}`;
}

function objectJson(record: Record<string, unknown>): string {
  return `{${Object.entries(record)
    .map(([name, value]) => `${JSON.stringify(name)}:${valueJson(value)}`)
    .join(',')}}`;
}

function valueJson(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  if (Buffer.isBuffer(value)) return JSON.stringify({ base64: value.toString('base64') });
  // JSON has no infinities; Tablestore has.
  if (typeof value === 'number' && !Number.isFinite(value)) return JSON.stringify(String(value));
  return JSON.stringify(value) ?? 'null';
}
