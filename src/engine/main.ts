import { runEngine } from './process.js';
import { replicationWorkshop } from './replication.js';

await runEngine(replicationWorkshop);
