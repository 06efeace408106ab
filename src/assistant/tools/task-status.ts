import * as z from 'zod';
import { plainWords } from '../../shared/format.js';
import type { TaskSnapshot } from '../../shared/snapshot.js';
import { needsPerson, taskLook } from '../../shared/snapshot-words.js';
import { stoppedTables } from '../../shared/stopped-tables.js';
import { offers } from '../../shared/task-actions.js';
import { maskError } from '../base/mask.js';
import { findSnapshot, findTask, firstOf, taskParameter } from '../base/tasks.js';
import { defineTool } from '../base/tool.js';

const mostTables = 10;
const longestGtidSet = 200;

export const taskStatus = defineTool({
  name: 'task_status',
  title: 'Show the status of a task',
  hint: 'Shows state, progress, latency, stopped tables and errors of a task.',
  description:
    'Shows how one task is doing right now: state and phase, progress of the full load, latency and lag behind MySQL, speed in rows per second, binlog position, number of dirty rows, stopped tables with the reason, the last error, and settings of the file that are not in force yet. Use it for "is it running", "how far is it", "is it caught up", "why did it fail or stop".',
  parameters: z.object({ task: taskParameter }),
  effect: 'reads',
  async run(host, parameters) {
    const task = await findTask(host, parameters.task);
    const snapshot = await findSnapshot(host, task);
    if (!snapshot) {
      return {
        summary: task.task
          ? `${task.name} was never started here.`
          : `${task.name} was never started here, and its file is not valid: ${task.problem}`,
        data: { task: task.name, file: task.shown, state: 'never started' },
        next: task.task
          ? ['precheck_task says whether it can start; start_task starts it.']
          : ['Correct the file.'],
      };
    }
    const waiting = host.differences(task, snapshot);
    return {
      summary: `${task.name}: ${taskLook(snapshot, true, plainWords, 'en').description}.`,
      data: {
        task: task.name,
        file: task.shown,
        ...details(snapshot),
        ...(task.problem !== undefined && { fileProblem: task.problem }),
        ...(waiting.length > 0 && { settingsNotInForce: waiting }),
      },
      next: nextSteps(snapshot, waiting),
    };
  },
});

function details(snapshot: TaskSnapshot): Record<string, unknown> {
  const { state, phase, tables, rows, position, error, retry, audit, strain, leftOut = [] } = snapshot;
  const stopped = firstOf(stoppedTables(snapshot), mostTables);
  const loading = firstOf(
    tables.filter((table) => table.phase === 'full' || table.phase === 'schema'),
    mostTables,
  );
  const gtidSet = position?.gtidSet;
  return {
    state,
    phase,
    caughtUp: snapshot.caughtUp,
    latencyMs: snapshot.latencyMs,
    ...(snapshot.lagTransactions !== undefined && { lagTransactions: snapshot.lagTransactions }),
    rowsPerSecond: Math.round(snapshot.rowsPerSecond),
    rows: { loaded: rows.full, inserted: rows.inserted, updated: rows.updated, deleted: rows.deleted },
    tables: tables.length,
    ...(stopped.shown.length > 0 && {
      stoppedTables: stopped.shown.map(({ source, problem }) => ({
        table: source,
        ...(problem && maskError(problem)),
      })),
    }),
    ...(stopped.more !== undefined && { moreStoppedTables: stopped.more }),
    ...(loading.shown.length > 0 && {
      loading: loading.shown.map((table) => ({
        table: table.source,
        rows: table.rows,
        estimatedRows: table.estimatedRows,
      })),
    }),
    ...(leftOut.length > 0 && { tablesLeftOut: leftOut.length }),
    dirtyRows: snapshot.dirty,
    ...(error && { error: maskError(error) }),
    ...(retry && { retry: { attempt: retry.attempt, ...maskError(retry.error) } }),
    ...(strain && { loadPausedBy: strain }),
    ...(audit && {
      audit: { rowsCompared: audit.rows, differing: audit.differences, repaired: audit.repaired },
    }),
    ...(position && {
      position: {
        ...(gtidSet !== undefined && {
          gtidSet: gtidSet.length > longestGtidSet ? `${gtidSet.slice(0, longestGtidSet)}…` : gtidSet,
        }),
        ...(position.file !== undefined && { file: position.file, offset: position.offset }),
      },
    }),
  };
}

function nextSteps(snapshot: TaskSnapshot, waiting: readonly string[]): string[] {
  const { state, dirty, error, caughtUp } = snapshot;
  const steps: string[] = [];
  if (stoppedTables(snapshot).length > 0)
    steps.push('Each stopped table says what to do; reload_table loads one again.');
  if (state === 'blocked') steps.push('list_dirty_rows shows the rows that wait for a decision.');
  else if (dirty > 0) steps.push('list_dirty_rows shows the rows that could not be written.');
  if (state === 'waiting-for-credentials')
    steps.push('The engine has restarted and has no secrets: start_task brings them.');
  else if (error && needsPerson(snapshot)) {
    steps.push(`explain_code has the cause of ${error.code}. When it is mended, start_task continues.`);
  } else if (offers(state, 'start')) steps.push('start_task continues from the checkpoint.');
  if (waiting.length > 0) steps.push('apply_changes puts the changed settings of the file in force.');
  if (state === 'running' && caughtUp && steps.length === 0)
    steps.push('All is well. verify_rows compares both sides row by row.');
  return steps;
}
