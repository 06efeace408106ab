import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { deflateSync, inflateSync } from 'node:zlib';
import { refusalOf } from '../../shared/http-guard.js';
import { ErrorMessage } from '../../tablestore/wire/messages.js';
import { WireFormatError } from '../../tablestore/wire/protobuf.js';
import { contentMd5, signResponse } from '../../tablestore/wire/signature.js';
import { answerAdmin, isAdminPath } from './admin.js';
import { readBody } from './body.js';
import { authenticate, type Credentials } from './authentication.js';
import { invalid, OtsError } from '../base/errors.js';
import { errorOf } from '../base/faults.js';
import { limits } from '../base/limits.js';
import { runOperation } from '../operations/index.js';
import type { Service } from '../operations/service.js';
import { welcomePage } from './welcome.js';

/** Clients that send nothing, or too slowly, are dropped after these times, in milliseconds. */
export interface Patience {
  /** For the headers of a request. */
  readonly headersMs: number;
  /** For a whole request. */
  readonly requestMs: number;
}
const patienceUsually: Patience = { headersMs: 10_000, requestMs: 60_000 };
const KEEP_ALIVE_MS = 120_000;
const MAX_HEADER_BYTES = 64 * 1024;
const MAX_HEADERS = 200;

const clientErrors: Record<string, string> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** The HTTP server over a service; not listening yet. */
export function createTablestoreServer(
  service: Service,
  credentials: Credentials,
  { headersMs, requestMs }: Patience = patienceUsually,
): Server {
  const server = createServer(
    {
      connectionsCheckingInterval: Math.ceil(headersMs / 2),
      maxHeaderSize: MAX_HEADER_BYTES,
      noDelay: true,
    },
    (request, response) => {
      const exchange = new Exchange(service, credentials, request, response);
      exchange.run().catch((error: unknown) => {
        // Whatever went wrong with one connection is never the end of the others.
        if (!response.headersSent) exchange.fail(error);
        else request.socket.destroy();
      });
    },
  );
  server.headersTimeout = headersMs;
  server.requestTimeout = requestMs;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  // Older Nodes drop what is beyond this without a word: one more tells that there were too many.
  server.maxHeadersCount = MAX_HEADERS + 1;
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const status = clientErrors[error.code ?? ''] ?? '400 Bad Request';
    if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);
    else socket.destroy();
  });
  return server;
}

/** One request and its answer. */
class Exchange {
  private readonly headers: Map<string, string>;
  private readonly path: string;
  private signingKey: string;

  constructor(
    private readonly service: Service,
    private readonly credentials: Credentials,
    private readonly request: IncomingMessage,
    private readonly response: ServerResponse,
  ) {
    this.headers = headerMap(request.rawHeaders);
    this.path = (request.url ?? '/').split('?', 1)[0]!;
    this.signingKey = credentials.accessKeySecret;
    // A client that goes away in mid-answer must not surface as an unhandled error.
    response.on('error', () => request.socket.destroy());
  }

  async run(): Promise<void> {
    const { request, response } = this;
    const refusal = refusalOf(request.headers);
    if (refusal !== null) {
      response.writeHead(403, { 'content-type': 'text/plain' });
      response.end(`${refusal}\n`);
      request.resume();
      return;
    }
    if (isAdminPath(this.path))
      return answerAdmin(this.service, this.credentials, this.path, request, response);
    if (request.method === 'GET' || request.method === 'HEAD') {
      const page = welcomePage(this.service, this.credentials.instance);
      response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'content-length': page.length });
      response.end(request.method === 'HEAD' ? undefined : page);
      return;
    }
    if (request.method !== 'POST') {
      request.resume();
      throw new OtsError('OTSMethodNotAllowed', `The HTTP method ${request.method} is not allowed.`);
    }
    if (request.rawHeaders.length > 2 * MAX_HEADERS) {
      request.resume();
      throw invalid(`The request has more than ${MAX_HEADERS} headers.`);
    }
    const body = await readBody(request, limits.bodyBytes);
    this.signingKey = authenticate(this.headers, this.path, body, this.credentials, this.service.now());
    await this.perform(this.path.slice(1), inflate(body, this.headers));
  }

  /** Sends the error that `error` amounts to. */
  fail(error: unknown): void {
    const known = asOtsError(error);
    // A body that was not read to its end would be taken for the next request.
    if (!this.request.complete) this.response.setHeader('connection', 'close');
    const { code, message } = known;
    // The knowledge-base calls of the JavaScript SDK speak JSON, and read errors as JSON.
    const json = this.headers.get('content-type')?.startsWith('application/json');
    this.send(
      known.status,
      json ? Buffer.from(JSON.stringify({ code, message })) : ErrorMessage.encode({ code, message }),
    );
  }

  private async perform(operation: string, body: Buffer): Promise<void> {
    const { service } = this;
    const fault = service.faults.forRequest(operation);
    if (!fault) {
      const answer = runOperation(service, operation, body);
      await service.store.committed;
      return this.send(200, answer);
    }
    switch (fault.kind) {
      case 'error':
        throw errorOf(fault);
      case 'latency': {
        const answer = outcomeOf(() => runOperation(service, operation, body));
        await service.store.committed;
        await delay(fault.delayMs);
        return this.send(200, answer());
      }
      case 'timeout':
        if (fault.applied) outcomeOf(() => runOperation(service, operation, body));
        return;
      case 'reset':
        if (fault.applied) outcomeOf(() => runOperation(service, operation, body));
        this.request.socket.resetAndDestroy();
        return;
      case 'late':
        this.request.socket.resetAndDestroy();
        setTimeout(() => {
          if (service.open) outcomeOf(() => runOperation(service, operation, body));
        }, fault.delayMs).unref();
        return;
    }
  }

  private send(status: number, body: Buffer): void {
    const { response, headers } = this;
    const signed: [string, string][] = [
      ['x-ots-contentmd5', contentMd5(body)],
      ['x-ots-contenttype', 'protocol buffer'],
      ['x-ots-date', new Date(this.service.now()).toISOString().replace('Z', '000Z')],
      ['x-ots-requestid', randomUUID()],
    ];
    let content = body;
    if (headers.get('x-ots-response-compress-type') === 'deflate' && body.length > 0 && status === 200) {
      content = deflateSync(body);
      signed.push(
        ['x-ots-response-compress-size', String(body.length)],
        ['x-ots-response-compress-type', 'deflate'],
      );
    }
    const authorization = signResponse(this.credentials.accessKeyId, this.signingKey, this.path, signed);
    response.writeHead(status, [
      ...signed.flat(),
      'authorization',
      authorization,
      'content-type',
      'application/octet-stream',
      'content-length',
      String(content.length),
    ]);
    response.end(content);
  }
}

/** Runs now, and gives its result or its error when called: effects and answer part company. */
function outcomeOf<T>(run: () => T): () => T {
  try {
    const value = run();
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

function inflate(body: Buffer, headers: ReadonlyMap<string, string>): Buffer {
  const type = headers.get('x-ots-request-compress-type');
  if (type === undefined) return body;
  if (type.toLowerCase() !== 'deflate') throw invalid(`Unsupported compress type: ${type}.`);
  let raw: Buffer;
  try {
    raw = inflateSync(body, { maxOutputLength: limits.bodyBytes });
  } catch {
    throw invalid('The compressed request body is malformed.');
  }
  if (raw.length !== Number(headers.get('x-ots-request-compress-size'))) {
    throw invalid('Mismatch between the size of the request body and x-ots-request-compress-size.');
  }
  return raw;
}

function asOtsError(error: unknown): OtsError {
  if (error instanceof OtsError) return error;
  if (error instanceof WireFormatError) return invalid(`Request is malformed: ${error.message}.`);
  return new OtsError('OTSInternalServerError', error instanceof Error ? error.message : String(error));
}

function headerMap(raw: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (let at = 0; at + 1 < raw.length; at += 2) headers.set(raw[at]!.toLowerCase(), raw[at + 1]!);
  return headers;
}

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
