import * as z from 'zod';
import {
  callArguments,
  type Caller,
  type CallSchemas,
  type CallSchemasOf,
} from '../../shared/call-arguments.js';
import type { EngineApi, OptionalApi } from '../../shared/engine-api.js';
import type { SourcePosition } from '../../shared/position.js';
import {
  destinationSchema,
  resolvedTaskSchema,
  sourceSchema,
  startPositionSchema,
} from '../../shared/task.js';
import type { Tuning } from '../../shared/tuning.js';

/**
 * What the engine takes as the arguments of each call. A client may be of another version, or not ours: what got past
 * here would be kept and used by every task, so nothing goes on that is not as the types say.
 */

/** A call that ends in an absent argument has null for it on the wire. */
const maybe = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);
/** An object of which every key may be left out. */
const sparse = <Shape extends Record<string, z.ZodType>>(shape: Shape) =>
  z.strictObject(
    Object.fromEntries(Object.entries(shape).map(([key, schema]) => [key, z.exactOptional(schema)])) as {
      [Key in keyof Shape]: z.ZodExactOptional<Shape[Key]>;
    },
  );
const id = z.string().min(1);
/** `database.table`. */
const table = z.string().min(1);
const task = resolvedTaskSchema;
const source = sourceSchema;
const destination = destinationSchema;
const count = z.int().min(0);

const position: z.ZodType<SourcePosition> = sparse({
  gtidSet: z.string(),
  file: z.string(),
  offset: count,
  serverUuid: z.string(),
  fileCreated: z.number(),
  commitMicros: z.number(),
  last: sparse({
    gtid: z.string(),
    commitMicros: z.number(),
    begins: z.strictObject({ file: z.string(), offset: count, crc: z.int() }),
  }),
});

const dirtyFilter = sparse({
  source: table,
  code: z.string(),
  sinceMs: z.number(),
  untilMs: z.number(),
  ids: z.array(z.string()),
});

/** `tuned` holds the ranges against those of the task file, and names the setting. */
const tuning = z
  .looseObject({
    throttle: z.looseObject({ full: z.looseObject({}), incremental: z.looseObject({}) }).partial(),
    write: z.looseObject({}),
    class: z.unknown(),
    audit: z.looseObject({}),
  })
  .partial() as unknown as z.ZodType<Tuning>;

const schemas: CallSchemasOf<EngineApi & OptionalApi> = {
  hello: z.tuple([
    // What a newer client adds is for newer engines.
    z.looseObject({
      protocolVersion: z.int(),
      kind: z.enum(['cli', 'extension']),
      pid: z.int(),
      challenge: z.string().max(1000),
    }),
  ]),
  handOver: z.tuple([]),
  start: z.tuple([
    task,
    z.string(),
    sparse({ until: z.enum(['full', 'caught-up']), keepRunning: z.boolean() }),
  ]),
  stop: z.tuple([id]),
  pause: z.tuple([id]),
  resume: z.tuple([id]),
  planChanges: z.tuple([task]),
  applyChanges: z.tuple([task]),
  planPosition: z.tuple([task, z.union([startPositionSchema, z.literal('skip')])]),
  setPosition: z.tuple([id, position]),
  exportState: z.tuple([id, z.string().min(1)]),
  importState: z.tuple([z.string().min(1), z.strictObject({ replace: z.boolean() })]),
  forget: z.tuple([id]),
  tune: z.tuple([id, tuning]),
  check: z.tuple([task]),
  lastCheck: z.tuple([id]),
  runProposal: z.tuple([id, z.strictObject({ report: z.string().min(1), check: z.string().min(1) })]),
  verify: z.tuple([
    task,
    sparse({ repair: z.boolean(), quick: z.boolean(), wait: z.boolean(), call: z.string().min(1) }),
  ]),
  lastVerify: z.tuple([id]),
  cancelVerify: z.tuple([id, maybe(z.string())]),
  snapshots: z.tuple([]),
  history: z.tuple([id, z.number()]),
  reload: z.tuple([id, maybe(table), maybe(z.boolean())]),
  reset: z.tuple([id, maybe(table)]),
  dirtyRecords: z.tuple([id, dirtyFilter, z.strictObject({ offset: count, limit: count })]),
  retryDirty: z.tuple([task, dirtyFilter]),
  skipDirty: z.tuple([id, dirtyFilter]),
  discardDirty: z.tuple([id, dirtyFilter]),
  cancelRetry: z.tuple([id]),
  bundle: z.tuple([task]),
  preview: z.tuple([task, sparse({ table, before: z.boolean() }).extend({ rows: count })]),
  compareRow: z.tuple([
    task,
    z.strictObject({ side: z.enum(['source', 'destination']), table, key: z.string().min(1) }),
  ]),
  testSource: z.tuple([source]),
  testDestination: z.tuple([destination]),
  databases: z.tuple([source]),
  catalog: z.tuple([source, z.string()]),
  countRows: z.tuple([
    source,
    sparse({ filter: z.string() }).extend({ database: z.string(), name: z.string() }),
  ]),
  sourceRows: z.tuple([
    source,
    z.strictObject({ database: z.string(), name: z.string() }),
    sparse({ from: z.string(), startAt: z.array(z.string()), filter: z.string() }).extend({
      limit: z.int().min(1).max(10_000),
    }),
  ]),
  makeSample: z.tuple([source]),
  changeSample: z.tuple([source]),
  localTablestore: z.tuple([]),
  startLocalTablestore: z.tuple([z.strictObject({ port: z.int().min(0).max(65535), data: z.string() })]),
  stopLocalTablestore: z.tuple([]),
  startTrialMysql: z.tuple([z.strictObject({ folder: z.string().min(1), port: z.int().min(0).max(65535) })]),
  stopTrialMysql: z.tuple([]),
  destinationTables: z.tuple([destination]),
  destinationTable: z.tuple([destination, z.string()]),
  destinationRows: z.tuple([
    destination,
    z.string(),
    sparse({ from: z.string(), startAt: z.array(z.string()) }).extend({ limit: count }),
  ]),
  shutdown: z.tuple([]),
};

const caller: Caller = {
  name: 'The client',
  remedy:
    'It may be of another version than the engine: close all windows and commands of Rowferry, and try again.',
};

/** The same methods, each behind the schema of its arguments. Calls throw ROW-E107 when they are not as it says. */
export function checkedCalls<Api extends Partial<EngineApi & OptionalApi>>(api: Api): Api {
  return Object.fromEntries(
    Object.entries(api).map(([call, method]) => [
      call,
      (...given: unknown[]) => {
        const checked = callArguments((schemas as CallSchemas)[call]!, call, given, caller);
        return (method as (...args: unknown[]) => unknown)(...checked);
      },
    ]),
  ) as Api;
}
