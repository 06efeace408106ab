import { ZodError } from 'zod';
import { isErrorCode } from '../shared/error-pages.js';
import { RowferryError } from '../shared/errors.js';
import { maskError, secretsOf, withoutSecrets } from './base/mask.js';
import type { Answer, Call, Plan, Tool, ToolHost } from './base/tool.js';

/** What a model is given: plain JSON, without a secret or a value of a row. */
export interface Reply {
  readonly isError: boolean;
  readonly content: Readonly<Record<string, unknown>>;
}

/** Calls tools for a model. Whatever one of them comes to passes here on its way out. */
export class Assistant {
  /** Of every task that was resolved. */
  readonly #secrets = new Set<string>();
  readonly #host: ToolHost;

  constructor(host: ToolHost) {
    const resolve: ToolHost['resolve'] = async (task) => {
      const resolved = await host.resolve(task);
      for (const secret of secretsOf(resolved)) this.#secrets.add(secret);
      return resolved;
    };
    const start: ToolHost['start'] = async (task) => {
      await resolve(task);
      await host.start(task);
    };
    const retryDirty: ToolHost['retryDirty'] = async (task, filter) => {
      await resolve(task);
      return host.retryDirty(task, filter);
    };
    this.#host = { ...host, resolve, start, retryDirty };
  }

  async call(tool: Tool, parameters: unknown, call: Call): Promise<Reply> {
    return this.reply(() => this.run(tool, parameters, call));
  }

  /** For reply(): throws as the tool, and takes no secret out. */
  run(tool: Tool, parameters: unknown, call: Call): Promise<Answer> {
    return tool.run(this.#host, parameters, call);
  }

  /** What a call of a tool that changes something would do, without secrets. Throws as its plan(). */
  async plan(tool: Tool, parameters: unknown): Promise<Plan> {
    if (!tool.plan) throw new Error(`${tool.name} changes nothing`);
    return this.#clean(await tool.plan(this.#host, parameters));
  }

  /** An answer, or why there is none, as the model gets it: without secrets. Throws what is neither an error of ours nor a defect. */
  async reply(work: () => Promise<Answer>): Promise<Reply> {
    try {
      const { summary, data = {}, next = [] } = await work();
      const content = { summary, ...data, ...(next.length > 0 && { nextSteps: next }) };
      return { isError: false, content: this.#clean(content) };
    } catch (error) {
      const { code, message, remedy } = plainError(error);
      const masked = maskError({ code, message, remedy });
      const content = {
        summary: `${masked.code}: ${masked.message}`,
        error: masked,
        nextSteps: [masked.remedy],
      };
      return { isError: true, content: this.#clean(content) };
    }
  }

  #clean<T>(value: T): T {
    return withoutSecrets(value, this.#secrets);
  }
}

/** Ours, and those that only read like ours, since they crossed a socket; anything else is a defect. */
function plainError(error: unknown): { code: string; message: string; remedy: string } {
  if (error instanceof ZodError) {
    const said = error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
    return new RowferryError('ROW-T104', `The parameters are not valid: ${said}`, {
      remedy: 'Correct the parameters; the schema of the tool describes each.',
    }).toPlain();
  }
  if (error instanceof RowferryError) return error.toPlain();
  const { name, code, message } = (error ?? {}) as { name?: unknown; code?: unknown; message?: unknown };
  // A person said no to a question of the editor.
  if (name === 'Canceled' || name === 'CancellationError') throw error;
  if (typeof code === 'string' && isErrorCode(code))
    return new RowferryError(code, String(message)).toPlain();
  return new RowferryError('ROW-E107', `Internal error: ${String(message ?? error)}`).toPlain();
}
