/**
 * Requests to one Tablestore instance: signed, over kept-alive connections, with a timeout that destroys the
 * connection. One call is one try; who wants retries has retry.ts.
 *
 *     const client = new TablestoreClient({ endpoint, instance, accessKeyId, accessKeySecret });
 *     await client.call('ListTable', Buffer.alloc(0));
 *     client.close();
 *
 * operations.ts (tables, reads) and writer/batch.ts (writes) build on call(). The npm SDK is not used for any of them:
 * it loses the service's error codes, retries through process-wide settings, opens a TLS connection for every
 * request, and takes a column named `timestamp` for a cell version (docs/tablestore.md §1); mending that from outside
 * takes more code than the dozen small messages of operations.ts, and reads here give bytes, which is what a
 * comparison needs. The SDK reads back what we write in the tests.
 */
import { said } from '../../shared/said.js';
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { TablestoreError } from './errors.js';
import type { Lease } from './lease.js';
import { ProtobufReader } from '../wire/protobuf.js';
import { contentMd5, sameSignature, signRequest, signResponse } from '../wire/signature.js';

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

/** Node's codes of a certificate that does not hold. */
const certificateCode = /CERT|UNABLE_TO_|SELF_SIGNED|HOSTNAME_MISMATCH/;

/**
 * An answer that is longer is none of Tablestore's: a page of rows ends at 4 MB, or with its first row; what is written
 * answers a few bytes for each of at most 200 rows. Whoever answers could otherwise take all memory of the process.
 */
const mostReadBytes = 32 * 1024 * 1024;
const mostWrittenBytes = 1024 * 1024;

/** What changes nothing; everything else needs the lease. */
const readingOperations = new Set([
  'ListTable',
  'DescribeTable',
  'ComputeSplitPointsBySize',
  'GetRow',
  'BatchGetRow',
  'GetRange',
]);

/** Thrown inside only: the lease was not fresh when the last byte was due, so that the request never came to be. */
const unsent = new Error('the lease was not fresh');

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
  private readonly lease: Lease | undefined;

  /** With a `lease` nothing that writes leaves while it is not fresh. */
  constructor(settings: ClientSettings, options: { requestTimeoutMs?: number; lease?: Lease } = {}) {
    this.lease = options.lease;
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
   * One try of one operation. `body` is its protobuf message, and so is what it gives back. What writes waits until the
   * lease is fresh.
   * @throws TablestoreError for whatever went wrong, AbortError's reason when the signal ends it, what Lease.confirmed()
   * throws.
   */
  async call(operation: string, body: Uint8Array, options: CallOptions = {}): Promise<Buffer> {
    const lease = readingOperations.has(operation) ? undefined : this.lease;
    if (!lease) return this.send(operation, body, options);
    for (;;) {
      if (!lease.isFresh()) await unlessAborted(lease.confirmed(), options.signal);
      try {
        return await this.send(operation, body, options, lease);
      } catch (error) {
        if (error !== unsent) throw error;
      }
    }
  }

  private send(operation: string, body: Uint8Array, options: CallOptions, lease?: Lease): Promise<Buffer> {
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
            `Tablestore at ${this.endpoint} did not respond within ${timeoutMs / 1000} s`,
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
        const most = readingOperations.has(operation) ? mostReadBytes : mostWrittenBytes;
        let received = 0;
        response.on('data', (chunk: Buffer) => {
          received += chunk.length;
          if (received <= most) return void chunks.push(chunk);
          fail(this.malformed(`is longer than ${most / (1024 * 1024)} MiB`));
          request.destroy();
        });
        response.on('error', (error: NodeJS.ErrnoException) => fail(this.connectionError(error, true)));
        response.on('end', () => {
          const answer = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
          const status = response.statusCode ?? 0;
          const isGood = status >= 200 && status < 300;
          const flaw = this.flawOf(`/${operation}`, response.headers, answer, isGood);
          if (flaw !== null) fail(this.malformed(flaw));
          else if (isGood) finish(() => resolve(answer));
          else fail(serviceError(status, answer, operation));
        });
      });
      if (lease) endFenced(request, body, lease, () => fail(unsent));
      else request.end(body);
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

  /** Whatever an answer says of itself has to be so; what stands between us and the service says nothing of it. */
  private flawOf(
    path: string,
    headers: http.IncomingHttpHeaders,
    answer: Buffer,
    isGood: boolean,
  ): string | null {
    const { accessKeyId, accessKeySecret } = this.settings;
    const digest = headers['x-ots-contentmd5'];
    if (digest !== undefined && digest !== contentMd5(answer))
      return 'is damaged: it does not match its digest';
    const signature = headers.authorization;
    // Whoever refuses a wrong key signs with another one.
    if (signature === undefined || !isGood) return null;
    const named: [string, string][] = [];
    for (const name in headers) if (name.startsWith('x-ots-')) named.push([name, String(headers[name])]);
    return sameSignature(signature, signResponse(accessKeyId, accessKeySecret, path, named))
      ? null
      : 'is not signed with the AccessKey of the task';
  }

  private malformed(what: string): TablestoreError {
    return TablestoreError.connection('Malformed', `The response of Tablestore at ${this.endpoint} ${what}`);
  }

  private connectionError(error: NodeJS.ErrnoException, sent: boolean): TablestoreError {
    const reason = error.code ?? error.message;
    if (certificateCode.test(reason))
      return TablestoreError.connection(
        'Unreachable',
        `The certificate of Tablestore at ${this.endpoint} is not trusted (${reason})`,
        error,
      );
    return TablestoreError.connection(
      sent ? 'Interrupted' : 'Unreachable',
      sent
        ? `The connection to Tablestore at ${this.endpoint} was lost (${reason})`
        : `Cannot reach Tablestore at ${this.endpoint} (${reason})`,
      error,
    );
  }
}

/**
 * Sends a body whose last byte leaves only once the system has taken all the others, and while the lease is fresh: the
 * service does not begin before it has the whole. Otherwise a process that is stopped in the middle of a body would send
 * the rest when it goes on, before anything of ours could look whether it still may (correctness rule 12).
 *
 * Between the look and the system's taking the byte nothing waits. Should the system not take it at once, the byte would
 * lie in this process again, and the connection is ended while it still does.
 */
function endFenced(request: http.ClientRequest, body: Uint8Array, lease: Lease, stale: () => void): void {
  const giveUp = () => {
    stale();
    request.destroy();
  };
  request.write(body.subarray(0, -1), (error) => {
    // What broke the connection is told by the request.
    if (error || request.destroyed) return;
    if (!lease.isFresh()) return giveUp();
    request.end(body.subarray(-1));
    if (isHeldBack(request.socket)) giveUp();
  });
}

/** Does this process still hold bytes that were written? Under TLS they are in the connection below. */
function isHeldBack(socket: Socket | null): boolean {
  const handle = (socket as { _handle?: StreamHandle | null } | null)?._handle;
  return ((handle?._parent ?? handle)?.writeQueueSize ?? 0) > 0;
}

/** The part of Node's own stream handle that says how many bytes wait in libuv (no public property does, under TLS). */
interface StreamHandle {
  readonly writeQueueSize?: number;
  readonly _parent?: StreamHandle;
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
    'The response is not from Tablestore.',
    operation,
  );
}

/** Reads an Error message of the protocol: of a whole request, or of one row. */
export function readError(reader: ProtobufReader): { code: string; message: string } {
  let code = '';
  let message = '';
  while (reader.next()) {
    if (reader.field === 1) code = reader.string();
    else if (reader.field === 2) message = said(reader.string());
    else reader.skip();
  }
  return { code, message };
}

/** Rejects with the signal's reason when that comes first. */
function unlessAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(abortReason(signal));
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

function abortReason(signal: AbortSignal): unknown {
  return signal.reason ?? new Error('aborted');
}
