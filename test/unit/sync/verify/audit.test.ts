import { describe, expect, it } from 'vitest';
import { auditCost, lotRows } from '../../../../src/shared/audit-cost.js';
import { AuditedTable } from '../../../../src/sync/verify/audit-table.js';
import { RateLimiter } from '../../../../src/tablestore/writer/throttle.js';

describe('the pace of an audit', () => {
  it('reads lots of a fifth of a second, one row at least and a bounded number at most', () => {
    expect([0.1, 1, 5, 500, 2000, 1e6].map(lotRows)).toEqual([1, 1, 1, 100, 400, 500]);
  });

  it.each([300, 2000])('holds %d rows a second within a fifth', async (rate) => {
    const limiter = new RateLimiter({ rowsPerSecond: rate, megabytesPerSecond: null });
    const beganMs = performance.now();
    let rows = 0;
    while (performance.now() - beganMs < 1500) {
      const lot = lotRows(rate);
      await limiter.take(() => ({ rows: lot, bytes: 0 }));
      rows += lot;
    }
    // A fifth of a second may be caught up, and the last lot is not over yet.
    const measured = (rows - rate * 0.4) / ((performance.now() - beganMs) / 1000);
    expect(measured).toBeLessThan(rate * 1.2);
    expect(rows / ((performance.now() - beganMs) / 1000)).toBeGreaterThan(rate * 0.8);
    limiter.close();
  });

  it('costs what a pass both ways reads', () => {
    const cost = auditCost(43_200_000, 5000, 1000);
    expect(cost.days).toBeCloseTo(1);
    expect(cost.readUnits).toBe(43_200_000 * 2 + (43_200_000 * 64) / 4096);
    expect(auditCost(0, 0, 500)).toEqual({ days: 0, readUnits: 0, readUnitsPerDay: 0 });
  });
});

describe('what an audit found', () => {
  const difference = (key: string) => ({ kind: 'different' as const, key, cells: [] });

  it('is told once, and counted where it is not kept', () => {
    const table = new AuditedTable('h.a');
    expect(table.found('k', difference('id=1'))).toBe(true);
    expect(table.found('k', difference('id=1'))).toBe(false);
    for (let i = 0; i < 1500; i++) table.found(`k${i}`, difference(`id=${i}`));
    expect(table.differences).toBe(1501);
    expect(table.view().first).toHaveLength(10);
    table.settled('k');
    expect(table.differences).toBe(1500);
  });

  it('is stored once, at a place before which nothing is undecided, without masked keys', () => {
    const table = new AuditedTable('h.a');
    table.behind({ index: 0, lower: null, upper: ['10'] });
    table.found('a', difference('id=***'));
    table.found('b', difference('id=2'));
    const stored = table.changed()!;
    expect(stored.after).toBeNull();
    expect(stored.found.map(({ text }) => text)).toEqual(['id=2']);
    expect(table.changed()).toBeNull();
    table.safe();
    expect(table.changed()!.after).toEqual({ index: 0, lower: null, upper: ['10'] });
    expect(new AuditedTable(JSON.parse(JSON.stringify(stored)) as typeof stored).differences).toBe(1);
  });
});
