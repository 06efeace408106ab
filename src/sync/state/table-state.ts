import type { PlainError } from '../../shared/errors.js';
import type { SourcePosition } from '../../shared/position.js';
import type { TextDefaults } from '../ddl/text-defaults.js';
import type { TableDefinition } from '../../mysql/model.js';
import type { StopKind, TableRecord } from './task-store.js';

/**
 * Where a table of a task is; drawn in docs/architecture.md. A table that is gone has no record.
 *
 *              begin                loaded
 *      gone ───────────► loading ───────────► incremental
 *        │                  │                    ▲  │
 *        │ begin beside     │ stop               │  │ stop
 *        │ the stream       ▼         stop       │  ▼
 *        └────────────► joining ─────────────────┼► stopped
 *                           └────────────────────┘
 *                                   joined
 *
 * Every state may begin anew, with a life of its own (TableRecords.begin), or be removed.
 */
export type TableState = 'loading' | 'joining' | 'incremental' | 'stopped';

export function stateOf({ phase, from }: Pick<TableRecord, 'phase' | 'from'>): TableState {
  if (phase === 'stopped') return 'stopped';
  if (from) return 'joining';
  return phase === 'loaded' ? 'incremental' : 'loading';
}

/** The error tells by itself that the account may not read a table, or that there is none. */
export function stopKindOf({ code }: Pick<PlainError, 'code'>, by?: StopKind): StopKind | undefined {
  if (code === 'ROW-S103') return 'unreadable';
  return by ?? (code === 'ROW-S108' ? 'dropped' : undefined);
}

/** A statement that makes a table of this name makes this one anew. */
export function isGone({ stoppedBy }: Pick<TableRecord, 'stoppedBy'>): boolean {
  return stoppedBy === 'dropped' || stoppedBy === 'renamed';
}

/** What happens to a table within one life. */
export type TableStep =
  /** Its destination table was not there, and is about to be created: after a crash it is known for the task's own. */
  | { step: 'creating' }
  /** Its destination table is there. `isLoaded`: there is nothing to load. */
  | { step: 'created'; isOwn: boolean; foundAtMs?: number; sweep: boolean; isLoaded: boolean }
  | { step: 'loaded' }
  /** The load begins again over rows that it wrote itself. */
  | { step: 'loading-again' }
  | { step: 'swept' }
  /** Joining: its own stream has come to `from`. */
  | { step: 'moved'; from: SourcePosition }
  /** From here on the checkpoint of the task speaks for it. */
  | { step: 'joined' }
  | { step: 'stopped'; problem: PlainError; by?: StopKind | undefined }
  /**
   * The checkpoint has passed a statement, after which the table looks like this. `revision` counts the statements of
   * this life, so that of two that pass at once the later one counts.
   */
  | {
      step: 'altered';
      revision: number;
      definition: TableDefinition;
      textDefaults: TextDefaults;
      dropped: readonly string[] | undefined;
    }
  /** What an earlier version of the product did not keep of the table, as the source has it. */
  | { step: 'settled'; definition: TableDefinition; textDefaults: TextDefaults }
  | { step: 'reload-asked'; remake: boolean }
  | { step: 'mapped'; mapping: string };

/** It has no place of its own in the stream any more. */
const noPlace = {
  from: undefined,
  definedAt: undefined,
  openBranches: undefined,
  branchesShown: undefined,
};

/** The states in which a step has its place; in those under `late` it comes after what made it pointless. */
const places: Record<TableStep['step'], { in: readonly TableState[]; late: readonly TableState[] }> = {
  creating: { in: ['loading', 'joining'], late: ['stopped'] },
  created: { in: ['loading', 'joining'], late: ['stopped'] },
  loaded: { in: ['loading', 'joining'], late: ['stopped'] },
  'loading-again': { in: ['loading', 'joining'], late: ['stopped'] },
  swept: { in: ['joining', 'incremental'], late: ['stopped'] },
  moved: { in: ['joining'], late: ['incremental', 'stopped'] },
  joined: { in: ['joining'], late: ['incremental', 'stopped'] },
  stopped: { in: ['loading', 'joining', 'incremental', 'stopped'], late: [] },
  altered: { in: ['joining', 'incremental'], late: ['stopped'] },
  settled: { in: ['loading', 'joining', 'incremental', 'stopped'], late: [] },
  'reload-asked': { in: ['loading', 'joining', 'incremental', 'stopped'], late: [] },
  mapped: { in: ['loading', 'joining', 'incremental', 'stopped'], late: [] },
};

/** What a step changes; `undefined` takes a field away. */
export type TableChanges = { [K in keyof TableRecord]?: TableRecord[K] | undefined };

/**
 * What a step changes of the record as it is now; null when it comes too late to mean anything. Throws for a step that
 * has no place in this state: a defect.
 */
export function stepOf(record: TableRecord, step: TableStep): TableChanges | null {
  const state = stateOf(record);
  const place = places[step.step];
  if (place.late.includes(state)) return null;
  const isMisplaced =
    !place.in.includes(state) ||
    ((step.step === 'creating' || step.step === 'created') && record.phase !== 'schema') ||
    (step.step === 'loaded' && record.phase !== 'full') ||
    (step.step === 'joined' && record.phase !== 'loaded');
  if (isMisplaced) {
    throw new Error(
      `"${step.step}" has no place in the life of ${record.source}, which is ${state} (${record.phase})`,
    );
  }
  switch (step.step) {
    case 'creating':
      return { creating: true };
    case 'created':
      return {
        phase: step.isLoaded ? 'loaded' : 'full',
        created: step.isOwn,
        creating: undefined,
        remake: undefined,
        unread: step.isLoaded ? true : undefined,
        sweep: step.sweep,
        ...(step.foundAtMs !== undefined && { foundAtMs: step.foundAtMs }),
      };
    case 'loaded':
      return { phase: 'loaded' };
    case 'loading-again':
      return { sweep: true };
    case 'swept':
      return { sweep: false };
    case 'moved':
      return { from: step.from };
    case 'joined':
      return noPlace;
    case 'stopped':
      return {
        phase: 'stopped',
        problem: step.problem,
        stoppedBy: stopKindOf(step.problem, step.by),
        ...noPlace,
      };
    case 'altered':
      if (step.revision <= (record.revision ?? 0)) return null;
      return {
        revision: step.revision,
        definition: step.definition,
        textDefaults: step.textDefaults,
        dropped: step.dropped,
      };
    case 'settled':
      return { definition: step.definition, textDefaults: step.textDefaults };
    case 'reload-asked':
      return { reload: true, ...(step.remake && { remake: true }) };
    case 'mapped':
      return { mapping: step.mapping };
  }
}
