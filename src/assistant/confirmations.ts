import type { Tool } from './base/tool.js';

/** How long what was told holds. */
const holdsMs = 15 * 60_000;

/**
 * Which plans were told, where a model passes a person's yes on: what is carried out is what was told before, once. A
 * plan that has changed since is told again.
 */
export class Confirmations {
  readonly #told = new Map<string, { says: string; atMs: number }>();

  constructor(private readonly now: () => number = Date.now) {}

  told(tool: Tool, parameters: unknown, says: string): void {
    this.#told.set(keyOf(tool, parameters), { says, atMs: this.now() });
  }

  /** Was this very plan told, not long ago? Asked again, it was not. */
  take(tool: Tool, parameters: unknown, says: string): boolean {
    const key = keyOf(tool, parameters);
    const known = this.#told.get(key);
    this.#told.delete(key);
    return known !== undefined && known.says === says && this.now() - known.atMs <= holdsMs;
  }
}

/** Parsed parameters stand in the order of their schema, however the model wrote them. */
const keyOf = (tool: Tool, parameters: unknown) =>
  JSON.stringify([tool.name, tool.parameters.parse(parameters)]);
