/**
 * Requests to one Tablestore instance: signed, over kept-alive connections, with a timeout that destroys the
 * connection. One call is one try; who wants retries has retry.ts.
 *
 *     const client = new TablestoreClient({ endpoint, instance, accessKeyId, accessKeySecret });
 *     await client.call('ListTable', Buffer.alloc(0));
 *     client.close();
 *
 * operations.ts (tables, reads) and batch.ts (writes) build on call(). The npm SDK is not used for any of them:
 * it loses the service's error codes, retries through process-wide settings, opens a TLS connection for every
 * request, and takes a column named `timestamp` for a cell version (tablestore.md §1); mending that from outside
 * takes more code than the dozen small messages of operations.ts, and reads here give bytes, which is what a
 * comparison needs. The SDK reads back what we write in the tests.
 */
import http from 'node:http';
import https from 'node:https';
import { TablestoreError } from './errors.js';
import { ProtobufReader } from './wire/protobuf.js';
import { contentMd5, signRequest } from './wire/signature.js';

export interface ClientSettings {
  /** http:// or https:// address. */
  readonly endpoint: string;
  readonly instance: string;
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly securityToken?: string | null;
}

export interface CallOptions {
  /** Milliseconds until the try is given up; default requestTimeoutMs of the client. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** Longer than the service takes for any single request. */
const standardTimeoutMs = 30_000;
/** An idle connection is closed before the service would close it under a request that is just being sent. */
const idleTimeoutMs = 10_000;

export class TablestoreClient {
  readonly instance: string;
  /** For messages: scheme, host and port. */
  readonly endpoint: string;
  /** The clock of the service, by its last answer, ms; null before the first. */
  serverMs: number | null = null;
  private readonly settings: ClientSettings;
  private readonly agent: http.Agent | https.Agent;
  private readonly base: http.RequestOptions;
  private readonly requestTimeoutMs: number;

  constructor(settings: ClientSettings, options: { requestTimeoutMs?: number } = {}) {
    const url = new URL(settings.endpoint);
    this.settings = settings;
    this.instance = settings.instance;
    this.endpoint = url.origin;
    this.requestTimeoutMs = options.requestTimeoutMs ?? standardTimeoutMs;
    const agentOptions = { keepAlive: true, scheduling: 'lifo', timeout: idleTimeoutMs } as const;
    this.agent = url.protocol === 'https:' ? new https.Agent(agentOptions) : new http.Agent(agentOptions);
    this.base = {
      protocol: url.protocol,
      hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      method: 'POST',
      agent: this.agent,
      ...(url.port === '' ? {} : { port: url.port }),
    };
  }

  /** Closes idle connections; those in use close with their requests. */
  close(): void {
    this.agent.destroy();
  }

  /**
   * One try of one operation. `body` is its protobuf message, and so is what it gives back.
   * @throws TablestoreError for whatever went wrong, AbortError's reason when the signal ends it.
   */
  call(operation: string, body: Uint8Array, options: CallOptions = {}): Promise<Buffer> {
    const { signal } = options;
    const timeoutMs = options.timeoutMs ?? this.requestTimeoutMs;
    return new Promise<Buffer>((resolve, reject) => {
      if (signal?.aborted) return reject(abortReason(signal));
      const request = (this.base.protocol === 'https:' ? https : http).request({
        ...this.base,
        path: `/${operation}`,
        headers: this.headers(operation, body),
      });
      let sent = false;
      let done = false;
      const finish = (settle: () => void) => {
        if (done) return;
        done = true;
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        settle();
      };
      const fail = (error: unknown) => finish(() => reject(error));
      const onAbort = () => {
        fail(abortReason(signal!));
        request.destroy();
      };
      const timer = setTimeout(() => {
        fail(
          TablestoreError.connection(
            sent ? 'Timeout' : 'Unreachable',
            `Tablestore at ${this.endpoint} did not answer within ${timeoutMs / 1000} s`,
          ),
        );
        request.destroy();
      }, timeoutMs);
      signal?.addEventListener('abort', onAbort, { once: true });

      request.on('socket', (socket) => {
        const ready = this.base.protocol === 'https:' ? 'secureConnect' : 'connect';
        if (request.reusedSocket || !socket.connecting) sent = true;
        else socket.once(ready, () => (sent = true));
      });
      request.on('error', (error: NodeJS.ErrnoException) => fail(this.connectionError(error, sent)));
      request.on('response', (response) => {
        const serverMs = Date.parse(String(response.headers['x-ots-date']));
        if (!Number.isNaN(serverMs)) this.serverMs = serverMs;
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', (error: NodeJS.ErrnoException) => fail(this.connectionError(error, true)));
        response.on('end', () => {
          const answer = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
          const status = response.statusCode ?? 0;
          if (status >= 200 && status < 300) finish(() => resolve(answer));
          else fail(serviceError(status, answer, operation));
        });
      });
      request.end(body);
    });
  }

  private headers(operation: string, body: Uint8Array): http.OutgoingHttpHeaders {
    const { accessKeyId, accessKeySecret, instance, securityToken } = this.settings;
    const signed: [string, string][] = [
      ['x-ots-date', new Date().toISOString()],
      ['x-ots-apiversion', '2015-12-31'],
      ['x-ots-accesskeyid', accessKeyId],
      ['x-ots-instancename', instance],
      ['x-ots-contentmd5', contentMd5(body)],
    ];
    if (securityToken) signed.push(['x-ots-ststoken', securityToken]);
    signed.push(['x-ots-signature', signRequest(accessKeySecret, `/${operation}`, signed)]);
    return { ...Object.fromEntries(signed), 'content-length': body.length };
  }

  private connectionError(error: NodeJS.ErrnoException, sent: boolean): TablestoreError {
    const reason = error.code ?? error.message;
    return TablestoreError.connection(
      sent ? 'Interrupted' : 'Unreachable',
      sent
        ? `The connection to Tablestore at ${this.endpoint} was lost (${reason})`
        : `Tablestore at ${this.endpoint} cannot be reached (${reason})`,
      error,
    );
  }
}

/** An error answer is Error{code = 1, message = 2}; what stands between us and the service answers otherwise. */
function serviceError(status: number, answer: Buffer, operation: string): TablestoreError {
  try {
    const { code, message } = readError(new ProtobufReader(answer));
    if (code !== '') return TablestoreError.fromService(status, code, message, operation);
  } catch {
    // Not from Tablestore: the status is all there is.
  }
  return TablestoreError.fromService(
    status,
    `HTTP${status}`,
    'The answer is not from Tablestore.',
    operation,
  );
}

/** Reads an Error message of the protocol: of a whole request, or of one row. */
export function readError(reader: ProtobufReader): { code: string; message: string } {
  let code = '';
  let message = '';
  while (reader.next()) {
    if (reader.field === 1) code = reader.string();
    else if (reader.field === 2) message = reader.string();
    else reader.skip();
  }
  return { code, message };
}

function abortReason(signal: AbortSignal): unknown {
  return signal.reason ?? new Error('aborted');
}
