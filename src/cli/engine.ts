import { resolve } from 'node:path';
import { ensureEngine, type EngineConnection } from '../engine/client.js';
import { defaultStateDir } from '../engine/paths.js';
import type { ClientApi } from '../shared/protocol.js';
import { text, type CliContext, type Values } from './command.js';

export const stateOption = { state: { type: 'string' } } as const;
export const stateHelp = {
  '--state DIR': 'folder of checkpoints and dirty data; default: $ROWFERRY_STATE, else one folder per user',
};
export const jsonOption = { json: { type: 'boolean' } } as const;

export function stateDir(context: CliContext, values: Values): string {
  const named = text(values, 'state');
  return named === undefined ? defaultStateDir(context.environment) : resolve(context.cwd, named);
}

/** Runs `work` with a connection to the engine; whatever comes first of its result and the engine's end counts. */
export async function withEngine<T>(
  context: CliContext,
  values: Values,
  events: Partial<ClientApi>,
  work: (engine: EngineConnection) => Promise<T>,
): Promise<T> {
  const engine = await ensureEngine({
    stateDir: stateDir(context, values),
    engineScript: context.engineScript,
    kind: 'cli',
    events,
  });
  try {
    for (const { task, file, options } of engine.handedOver) await engine.api.start(task, file, options);
    return await work(engine);
  } finally {
    engine.close();
  }
}
