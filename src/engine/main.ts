import { fileURLToPath } from 'node:url';
import { standardWriterSettings } from '../tablestore/writer/writer.js';
import { runEngine } from './process.js';
import { replicationOperations } from './tasks/replication-operations.js';

/** Shorter where a test of kills cannot wait so long (CONTRIBUTING.md). */
const lateWriteMs = Number(process.env['ROWFERRY_LATE_WRITE_MS']);
if (lateWriteMs > 0) standardWriterSettings.lateWriteMs = lateWriteMs;

await runEngine(replicationOperations, fileURLToPath(new URL('local-tablestore.mjs', import.meta.url)));
