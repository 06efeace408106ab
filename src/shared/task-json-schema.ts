import * as z from 'zod';
import { connectionsSchema } from './connections.js';
import { taskSchema } from './task.js';

/** The parts of JSON Schema that our own schemas use. */
export interface JsonSchema {
  type?: string;
  description?: string;
  properties?: Record<string, JsonSchema>;
  additionalProperties?: boolean | JsonSchema;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  enum?: unknown[];
  [keyword: string]: unknown;
}

/** JSON Schema (draft 7, the one editors know best) of what a person may write in a task file. */
export function taskJsonSchema(): JsonSchema {
  return toJsonSchema(taskSchema, 'Rowferry task');
}

/** JSON Schema of `connections.rowferry.json`. */
export function connectionsJsonSchema(): JsonSchema {
  return toJsonSchema(connectionsSchema, 'Rowferry connections');
}

function toJsonSchema(schema: z.ZodType, title: string): JsonSchema {
  const json = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' }) as JsonSchema;
  return { ...json, title, allowComments: true, allowTrailingCommas: true };
}
