import { fileURLToPath } from 'node:url';
import { standardTiming } from '../sync/base/timing.js';
import { runEngine } from './process.js';
import { replicationOperations } from './tasks/replication-operations.js';

/** Shorter where a test of kills cannot wait so long (CONTRIBUTING.md). */
const lateWriteMs = Number(process.env['ROWFERRY_LATE_WRITE_MS']);
const timing = lateWriteMs > 0 ? { ...standardTiming, lateWriteMs } : standardTiming;

await runEngine(
  replicationOperations(timing),
  fileURLToPath(new URL('local-tablestore.mjs', import.meta.url)),
);
