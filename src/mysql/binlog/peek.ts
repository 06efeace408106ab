import type { SourcePosition } from '../../shared/position.js';
import type { SourceSettings } from '../../shared/task.js';
import type { BinlogHandler } from '../model.js';
import { hasReached } from '../position.js';
import { BinlogStream } from './stream.js';

/** What is looked for; everything else is passed over. */
export type Look = Partial<Omit<BinlogHandler, 'heartbeat'>>;

/**
 * Reads the binlog from a position on until `look` says that it has seen enough, or the source has nothing more
 * (`end`, as it was when asked). true: it has seen enough. Throws what BinlogStream.run() throws, and the signal's reason.
 */
export async function peek(
  settings: SourceSettings,
  position: SourcePosition,
  end: SourcePosition,
  look: (enough: () => void) => Look,
  signal?: AbortSignal,
): Promise<boolean> {
  let over = false;
  let seen = false;
  const finish = () => {
    over = true;
    void stream.stop();
  };
  const wanted = look(() => {
    seen = true;
    finish();
  });
  const handler: BinlogHandler = {
    file: (name, created) => void (over || wanted.file?.(name, created)),
    transaction: (start) => void (over || wanted.transaction?.(start)),
    wants: (table) => !over && (wanted.wants?.(table) ?? false),
    row: (table, kind, before, after) => void (over || wanted.row?.(table, kind, before, after)),
    commit: (at) => void (over || wanted.commit?.(at)),
    xaPrepare: (xid, at) => void (over || (wanted.xaPrepare ?? ignore)(xid, at)),
    xaCommit: (xid, at) => void (over || (wanted.xaCommit ?? ignore)(xid, at)),
    xaRollback: (xid, at) => void (over || (wanted.xaRollback ?? ignore)(xid, at)),
    statement: (event) => void (over || wanted.statement?.(event)),
    // A sign of life while nothing comes: at the end of the binlog, or while the server passes over what is known.
    heartbeat: ({ file, offset }) => {
      const at = { ...(file !== undefined && { file }), ...(offset !== undefined && { offset }) };
      if (hasReached(at, { file: end.file!, offset: end.offset! })) finish();
    },
  };
  // A server_id of its own: a reader that runs must not be thrown out.
  const stream = new BinlogStream(
    { ...settings, serverId: null },
    { position, heartbeatSeconds: 1, history: null },
    handler,
  );
  const abort = () => void stream.stop();
  signal?.addEventListener('abort', abort);
  try {
    await stream.run();
    signal?.throwIfAborted();
    return seen;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

const ignore = () => undefined;
