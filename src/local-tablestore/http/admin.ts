import { timingSafeEqual, createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import * as z from 'zod';
import type { Credentials } from './authentication.js';
import { readBody } from './body.js';
import { faultRules } from '../base/faults.js';

import type { Service } from '../operations/service.js';

/**
 * The administration of a running server, outside the Tablestore protocol:
 *
 *   GET /-/faults, PUT /-/faults (JSON list of rules), DELETE /-/faults
 *   GET /-/limits, PUT /-/limits (JSON object of switches)
 *
 * with `Authorization: Bearer <access key secret>`, so that neither another user nor a web page can use it.
 */
export const isAdminPath = (path: string): boolean => path.startsWith('/-/');

const MAX_ADMIN_BODY_BYTES = 1 << 20;

const limitSwitches = z.strictObject({
  tables: z.int().positive().optional(),
  tableOperationsPerSecond: z.int().positive().optional(),
  tableNotReadyMs: z.number().nonnegative().optional(),
  throughputChangeSeconds: z.number().nonnegative().optional(),
  rowsPerSecond: z.number().positive().optional(),
  repeatedKeys: z.enum(['reject', 'allow']).optional(),
});

export async function answerAdmin(
  service: Service,
  credentials: Credentials,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const reply = (status: number, value: unknown): void => {
    const body = Buffer.from(`${JSON.stringify(value)}\n`);
    if (!request.complete) response.setHeader('connection', 'close');
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length });
    response.end(body);
  };
  const expected = `Bearer ${credentials.accessKeySecret}`;
  if (!sameText(request.headers.authorization ?? '', expected)) {
    reply(401, { error: 'The header "Authorization: Bearer <access key secret>" is required.' });
    return;
  }
  const method = request.method ?? 'GET';
  try {
    switch (`${method} ${path}`) {
      case 'GET /-/faults':
        return reply(200, service.faults.list());
      case 'PUT /-/faults':
        service.faults.set(faultRules.parse(await readJson(request)));
        return reply(200, service.faults.list());
      case 'DELETE /-/faults':
        service.faults.set([]);
        return reply(200, []);
      case 'GET /-/limits':
        return reply(200, service.limits);
      case 'PUT /-/limits':
        service.limits = dropUndefined(limitSwitches.parse(await readJson(request)));
        return reply(200, service.limits);
      default:
        return reply(404, { error: `Unknown request: ${method} ${path}.` });
    }
  } catch (error) {
    const message =
      error instanceof z.ZodError
        ? z.prettifyError(error)
        : error instanceof Error
          ? error.message
          : String(error);
    reply(400, { error: message });
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const body = await readBody(request, MAX_ADMIN_BODY_BYTES);
  return JSON.parse(body.toString('utf8')) as unknown;
}

function dropUndefined(limits: z.output<typeof limitSwitches>): Service['limits'] {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}

function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
