import { fileURLToPath } from 'node:url';
import { runEngine } from './process.js';
import { replicationWorkshop } from './replication.js';

await runEngine(replicationWorkshop, fileURLToPath(new URL('local-tablestore.mjs', import.meta.url)));
