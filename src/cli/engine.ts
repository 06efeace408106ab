import { resolve } from 'node:path';
import { ensureEngine, type EngineConnection } from '../engine/ipc/client.js';
import { defaultStateDir } from '../engine/base/paths.js';
import { RowferryError } from '../shared/errors.js';
import type { ClientApi } from '../shared/engine-api.js';
import { text, type CliContext, type Values } from './command.js';

export const stateOption = { state: { type: 'string' } } as const;
export const stateHelp = {
  '--state DIR':
    'folder for checkpoints and dirty data; default: $ROWFERRY_STATE, otherwise a folder of the current user',
};
export const jsonOption = { json: { type: 'boolean' } } as const;

export function stateDir(context: Pick<CliContext, 'environment' | 'cwd'>, values: Values): string {
  const named = text(values, 'state');
  return named === undefined ? defaultStateDir(context.environment) : resolve(context.cwd, named);
}

/** A signal ended the command before it was through. */
export function interruption(): RowferryError {
  return new RowferryError('ROW-E114', 'Interrupted.');
}

/**
 * Runs `work` with a connection to the engine. An interruption ends it at once, with ROW-E114: what the engine does for
 * this client ends with the connection. Without `interrupted` the work sees to that itself.
 */
export async function withEngine<T>(
  context: Omit<CliContext, 'interrupted'> & { interrupted: AbortSignal | null },
  values: Values,
  events: Partial<ClientApi>,
  work: (engine: EngineConnection) => Promise<T>,
): Promise<T> {
  const { interrupted } = context;
  if (interrupted === null) return connected(context, values, events, work);
  let end = () => {};
  const ended = new Promise<never>((_, reject) => {
    end = () => reject(interruption());
    if (interrupted.aborted) end();
    else interrupted.addEventListener('abort', end);
  });
  try {
    return await Promise.race([connected(context, values, events, work, ended), ended]);
  } finally {
    interrupted.removeEventListener('abort', end);
  }
}

async function connected<T>(
  context: Pick<CliContext, 'environment' | 'cwd' | 'engineScript'>,
  values: Values,
  events: Partial<ClientApi>,
  work: (engine: EngineConnection) => Promise<T>,
  ended: Promise<never> = new Promise(() => {}),
): Promise<T> {
  const engine = await ensureEngine({
    stateDir: stateDir(context, values),
    engineScript: context.engineScript,
    kind: 'cli',
    events,
  });
  try {
    for (const { task, file, options } of engine.handedOver) await engine.api.start(task, file, options);
    return await Promise.race([work(engine), ended]);
  } finally {
    engine.close();
  }
}
