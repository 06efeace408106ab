import type { Tool } from '../base/tool.js';
import { applyChanges } from './apply-changes.js';
import { explainCode } from './explain-code.js';
import { listDirtyRows } from './list-dirty-rows.js';
import { listTasks } from './list-tasks.js';
import { precheckTask } from './precheck-task.js';
import { previewRows } from './preview-rows.js';
import { reloadTable } from './reload-table.js';
import { repairRows } from './repair-rows.js';
import { retryDirtyRows } from './retry-dirty-rows.js';
import { startTask } from './start-task.js';
import { stopTask } from './stop-task.js';
import { taskStatus } from './task-status.js';
import { verifyRows } from './verify-rows.js';

/** All that an assistant can do, in the order of its lists: what only looks first. */
export const tools: readonly Tool[] = [
  listTasks,
  taskStatus,
  precheckTask,
  explainCode,
  listDirtyRows,
  previewRows,
  verifyRows,
  startTask,
  stopTask,
  applyChanges,
  retryDirtyRows,
  reloadTable,
  repairRows,
];
