import type { Socket } from 'node:net';
import { createBirpc, type BirpcReturn } from 'birpc';
import { RowferryError, type PlainError } from '../../shared/errors.js';
import { said } from '../../shared/said.js';

/**
 * Typed calls over a socket: one JSON message a line, both ways. Errors cross as code, message and remedy.
 * `remote` is what the other side offers, `local` what this side does; only own properties of `local` can be called.
 */
export function connectRpc<Remote extends object, Local extends object>(
  socket: Socket,
  local: Local,
  options: { eventNames?: (keyof Remote)[]; onInternalError(error: unknown): void },
): BirpcReturn<Remote, Local> {
  return createBirpc<Remote, Local>(local, {
    ...(options.eventNames && { eventNames: options.eventNames }),
    timeout: -1,
    bind: 'functions',
    resolver: (name, fn) => (Object.hasOwn(local, name) ? fn : undefined),
    post: (line: string) => {
      if (socket.writable) socket.write(`${line}\n`);
    },
    on: (receive) => readLines(socket, receive, options.onInternalError),
    serialize: (message: unknown) =>
      JSON.stringify(message, (_, value: unknown) =>
        value instanceof Error ? { $error: toPlain(value, options.onInternalError) } : value,
      ),
    deserialize: (line: string): unknown =>
      JSON.parse(line, (_, value: unknown) =>
        isErrorEnvelope(value) ? RowferryError.fromPlain(value.$error) : value,
      ),
  });
}

/** No message is larger; more without a line end is not one of ours. */
const longestLine = 64 << 20;

function readLines(socket: Socket, receive: (line: string) => void, failed: (error: unknown) => void): void {
  let pieces: string[] = [];
  let length = 0;
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      const line = pieces.join('') + text.slice(from, end);
      pieces = [];
      length = 0;
      from = end + 1;
      void Promise.resolve(receive(line)).catch(failed);
    }
    if (from < text.length) {
      pieces.push(text.slice(from));
      length += text.length - from;
      if (length > longestLine) socket.destroy(new Error('message too long'));
    }
  });
}

/** Anything that is not ours is a defect of the engine: its text goes to the log, people get a code. */
function toPlain(error: Error, report: (error: unknown) => void): PlainError {
  if (error instanceof RowferryError) return error.toPlain();
  report(error);
  return new RowferryError('ROW-E107', `Internal error: ${said(error.message)}`).toPlain();
}

function isErrorEnvelope(value: unknown): value is { $error: PlainError } {
  // Rows cross too, and a column may be called $error.
  const told = (value as { $error?: unknown } | null | undefined)?.$error as PlainError | null | undefined;
  return typeof value === 'object' && typeof told?.code === 'string' && typeof told.message === 'string';
}
