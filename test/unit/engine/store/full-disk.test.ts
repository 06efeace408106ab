import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Database } from '../../../../src/engine/store/database.js';

it('a full disk is told as one (ROW-E105), nothing of the transaction stays, and the store works again with room', () => {
  const dir = mkdtempSync(join(tmpdir(), 'rowferry-full-'));
  const database = Database.open(join(dir, 'store.db'), ['CREATE TABLE t (v TEXT)']);
  const rows = () => database.get<{ n: number }>('SELECT COUNT(*) AS n FROM t')!.n;
  const full = { code: 'ROW-E105', message: expect.stringMatching(/store\.db .* is full$/) as string };
  const big = 'x'.repeat(100_000);
  try {
    database.raw.exec('PRAGMA max_page_count = 10');
    const write = () =>
      database.transaction(() => {
        database.run("INSERT INTO t VALUES ('small')");
        database.run('INSERT INTO t VALUES (?)', big);
      });
    expect(write).toThrow(expect.objectContaining(full));
    expect(() => database.run('INSERT INTO t VALUES (?)', big)).toThrow(expect.objectContaining(full));
    expect(rows()).toBe(0);
    database.raw.exec('PRAGMA max_page_count = 1000');
    write();
    expect(rows()).toBe(2);
    // A statement that is wrong is nobody's disk.
    expect(() => database.run('INSERT INTO nowhere VALUES (1)')).toThrow(/no such table/);
  } finally {
    database.close();
    rmSync(dir, { recursive: true, force: true });
  }
});
