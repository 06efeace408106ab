import * as z from 'zod';
import { destinationSchema, sourceSchema } from './task.js';

/** `connections.rowferry.json`: connections that tasks name. Like a task it holds no secrets, only `${env:NAME}`. */
export const connectionsSchema = z.strictObject({
  $schema: z.string().optional(),
  sources: z
    .record(z.string(), sourceSchema)
    .default({})
    .describe('MySQL servers by the name that tasks use.'),
  destinations: z
    .record(z.string(), destinationSchema)
    .default({})
    .describe('Tablestore instances by the name that tasks use.'),
});

export type Connections = z.infer<typeof connectionsSchema>;

export const noConnections: Connections = { sources: {}, destinations: {} };
