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

/** What of a connection is secret, as keyName writes it: kept in the editor's secret store, and in no file. */
export const connectionSecrets = [
  'source.password',
  'destination.accessKeySecret',
  'destination.securityToken',
] as const;
export type ConnectionSecret = (typeof connectionSecrets)[number];
