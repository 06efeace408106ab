import type { Command } from '../command.js';
import { apply } from './apply.js';
import { bundle } from './bundle.js';
import { check } from './check.js';
import { dirty } from './dirty.js';
import { mcp } from './mcp.js';
import { pause, remove, resume, stop } from './life.js';
import { position } from './position.js';
import { preview } from './preview.js';
import { reload } from './reload.js';
import { reset } from './reset.js';
import { run } from './run.js';
import { set } from './set.js';
import { state } from './state.js';
import { status } from './status.js';
import { tablestore } from './tablestore.js';
import { verify } from './verify.js';

/** In the order of the help. */
export const commands: readonly Command[] = [
  check,
  run,
  verify,
  preview,
  status,
  dirty,
  set,
  apply,
  pause,
  resume,
  stop,
  position,
  state,
  remove,
  reload,
  reset,
  bundle,
  tablestore,
  mcp,
];
