import type { SessionPurpose, SourceConnection } from '../../mysql/connection.js';
import type { CharsetDecoders } from '../../mysql/types/index.js';
import type { AuditWait } from '../../shared/snapshot.js';
import type { TablestoreClient } from '../../tablestore/client/client.js';
import type { TablestoreWriter } from '../../tablestore/writer/writer.js';
import type { EtlProgram } from '../etl/compile.js';
import type { TablePlan } from '../mapping/plan.js';
import type { TaskStore } from '../state/task-store.js';
import type { TaskLog } from '../base/task-log.js';
import type { TaskSettings } from '../base/task-settings.js';
import type { Settled } from '../rows/hold-keys.js';

/** The run that is audited, as the audit needs it. */
export interface AuditHost {
  readonly settings: Pick<TaskSettings, 'task' | 'windows' | 'timing'>;
  readonly store: TaskStore;
  readonly client: TablestoreClient;
  readonly writer: Pick<TablestoreWriter, 'watch' | 'hold' | 'drain'>;
  readonly charsets: CharsetDecoders;
  readonly etl: EtlProgram | null;
  readonly log: TaskLog;
  /** Tables that the stream follows now. */
  plans(): TablePlan[];
  /** How one of them is mapped now: another object after every change of it; undefined when it is not followed. */
  planOf(source: string): TablePlan | undefined;
  /** Why nothing should be read now. */
  waits(): AuditWait | null;
  /** Settles when everything that the source has now is at the destination. */
  caughtUp(signal: AbortSignal): Promise<void>;
  readonly settled: Settled;
  ask<T>(purpose: SessionPurpose, work: (connection: SourceConnection) => Promise<T>): Promise<T>;
}
