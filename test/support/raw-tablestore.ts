import http from 'node:http';
import { createHmac } from 'node:crypto';
import type { LocalTablestore } from '../../src/local-tablestore/index.js';
import { ErrorMessage } from '../../src/tablestore/wire/messages.js';
import { contentMd5, signRequest } from '../../src/tablestore/wire/signature.js';

export interface RawAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface RawRequest {
  readonly operation: string;
  readonly body?: Buffer;
  readonly method?: string;
  /** Set, replaced, or with undefined taken out, before the request is signed. */
  readonly headers?: Record<string, string | undefined>;
  /** The same after it is signed. */
  readonly unsigned?: Record<string, string | undefined>;
  /** Makes the signature instead of the usual one; gives the headers that carry it. */
  readonly sign?: (path: string, headers: Map<string, string>) => Record<string, string>;
  readonly agent?: http.Agent;
  /** Pieces of the body, sent as chunks without a length. */
  readonly chunks?: readonly Buffer[];
}

type Server = Pick<LocalTablestore, 'port' | 'instance' | 'accessKeyId' | 'accessKeySecret'>;

/** Sends one request as no SDK would: whatever the test wants to be different is. Rejects when the connection breaks. */
export function sendRaw(server: Server, request: RawRequest): Promise<RawAnswer> {
  const { operation, body = Buffer.alloc(0), method = 'POST', chunks } = request;
  const path = `/${operation}`;
  const headers = new Map(
    Object.entries({
      'x-ots-date': new Date().toISOString(),
      'x-ots-apiversion': '2015-12-31',
      'x-ots-accesskeyid': server.accessKeyId,
      'x-ots-instancename': server.instance,
      'x-ots-contentmd5': contentMd5(chunks ? Buffer.concat(chunks) : body),
    }),
  );
  const apply = (changes: Record<string, string | undefined> = {}): void => {
    for (const [name, value] of Object.entries(changes)) {
      if (value === undefined) headers.delete(name);
      else headers.set(name, value);
    }
  };
  apply(request.headers);
  apply(
    request.sign?.(path, headers) ?? {
      'x-ots-signature': signRequest(server.accessKeySecret, path, headers),
    },
  );
  apply(request.unsigned);
  return new Promise((resolve, reject) => {
    const sent = http.request(
      {
        host: '127.0.0.1',
        port: server.port,
        path,
        method,
        headers: Object.fromEntries(headers),
        ...(request.agent && { agent: request.agent }),
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            body: Buffer.concat(parts),
          }),
        );
      },
    );
    sent.on('error', reject);
    if (chunks) {
      for (const chunk of chunks) sent.write(chunk);
      sent.end();
    } else {
      sent.end(method === 'POST' ? body : undefined);
    }
  });
}

/** Status, code and message of an answer that is an error. */
export function errorText({ status, body }: RawAnswer): string {
  if (status === 200) return 'no error';
  const { code, message } = ErrorMessage.decode(body);
  return `${status} ${code} ${message}`;
}

/**
 * What the Python SDK verifies of an answer, by its rules: digest, request id, content type, a date within fifteen
 * minutes in its format, and the signature over the headers. Gives the first thing that is wrong.
 */
export function verifyAnswer(
  server: Server,
  path: string,
  { headers, body }: RawAnswer,
  nowMs = Date.now(),
): string | undefined {
  const header = (name: string): string => String(headers[name] ?? '');
  if (header('x-ots-contentmd5') !== contentMd5(body)) return 'contentmd5';
  if (!header('x-ots-requestid')) return 'requestid';
  if (header('x-ots-contenttype') !== 'protocol buffer') return 'contenttype';
  const date = header('x-ots-date');
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(date)) return 'date format';
  if (Math.abs(Date.parse(date) - nowMs) > 15 * 60_000) return 'date';
  const names = Object.keys(headers).filter((name) => name.startsWith('x-ots-'));
  const text = names
    .sort()
    .map((name) => `${name}:${header(name)}\n`)
    .join('');
  const signature = createHmac('sha1', server.accessKeySecret)
    .update(text + path)
    .digest('base64');
  return header('authorization') === `OTS ${server.accessKeyId}:${signature}` ? undefined : 'signature';
}
