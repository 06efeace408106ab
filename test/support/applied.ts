import type { TaskSnapshot } from '../../src/shared/snapshot.js';
import { isEveryTableStopped } from '../../src/shared/stopped-tables.js';
import type { MysqlServer } from './mysql-server.js';

/** Gives what is true of the snapshot of a task once everything that the source has by now is applied, or the task ended. */
export async function appliedSince(mysql: MysqlServer): Promise<(snapshot: TaskSnapshot) => boolean> {
  const [row] = await mysql.query<{ File: string; Position: number }>('SHOW BINARY LOG STATUS');
  const { File: file, Position: offset } = row!;
  return ({ position, state, caughtUp, tables }) =>
    !['starting', 'running', 'retrying'].includes(state) ||
    // With every table stopped there is only how far the stream has read.
    ((caughtUp || isEveryTableStopped({ tables })) &&
      position?.file !== undefined &&
      (position.file > file || (position.file === file && (position.offset ?? 0) >= offset)));
}
