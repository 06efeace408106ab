import { PassThrough } from 'node:stream';
import type { WriteStream } from 'node:tty';
import { describe, expect, it } from 'vitest';
import { bytes, count, duration } from '../../../src/cli/figures.js';
import { bar, positionText, snapshotLines, statusObject } from '../../../src/cli/progress.js';
import { rowJson } from '../../../src/cli/row-text.js';
import { clip, columns, displayWidth, openTerminal, wrap } from '../../../src/cli/terminal.js';
import type { TaskSnapshot } from '../../../src/shared/snapshot.js';

function fake(isTTY: boolean, size: { columns?: number; rows?: number } = {}) {
  const stream = Object.assign(new PassThrough(), { isTTY, ...size });
  let text = '';
  stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { stream: stream as unknown as WriteStream, text: () => text };
}

const snapshot: TaskSnapshot = {
  id: 't',
  name: 'orders',
  file: '/x/orders.rowferry.json',
  state: 'running',
  phase: 'full',
  tables: Array.from({ length: 50 }, (_, i) => ({
    source: `shop.table_${i}`,
    destination: `table_${i}`,
    phase: 'waiting' as const,
    rows: 0,
    estimatedRows: 1000,
  })),
  rows: { full: 12_345, inserted: 1, updated: 2, deleted: 3 },
  rowsPerSecond: 20_000,
  bytesPerSecond: 5_400_000,
  latencyMs: null,
  position: null,
  caughtUp: false,
  dirty: 0,
  engineRss: 1,
  atMs: 0,
};

describe('widths', () => {
  it('counts wide letters, emoji and no escapes', () => {
    expect(displayWidth('abc')).toBe(3);
    expect(displayWidth('数据')).toBe(4);
    expect(displayWidth('👩‍👩‍👧 ok')).toBe(5);
    expect(displayWidth('\u001b[31mred\u001b[39m')).toBe(3);
  });

  it('clips to a width, never beyond it', () => {
    expect(clip('abcdef', 4)).toBe('abc…');
    expect(displayWidth(clip('数据库同步', 5))).toBeLessThanOrEqual(5);
    expect(clip('short', 10)).toBe('short');
    expect(clip('\u001b[31mabcdef\u001b[39m', 4)).toMatch(/^\u001b\[31mabc…\u001b\[0m$/);
  });

  it('aligns columns and wraps at spaces', () => {
    expect(
      columns(
        [
          ['a', '1', 'x'],
          ['数', '100', 'y'],
        ],
        [1],
      ),
    ).toEqual(['a     1  x', '数  100  y']);
    expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
  });
});

describe('a terminal', () => {
  it('draws over itself in one write, no line wider than the screen', () => {
    const out = fake(true, { columns: 40, rows: 12 });
    const terminal = openTerminal(out.stream, fake(true).stream, { NO_COLOR: '1' });
    const lines = snapshotLines(snapshot, terminal);
    terminal.draw(lines);
    const first = out.text();
    expect(lines.length).toBeLessThan(12);
    for (const line of first.split('\n'))
      expect(displayWidth(line.replaceAll(/\u001b\[[0-9]*[KJ]/g, ''))).toBeLessThan(40);
    terminal.draw(lines);
    expect(out.text().slice(first.length)).toMatch(new RegExp(`^\u001b\\[${lines.length}A`));
  });

  it('prints above what is drawn, and draws nothing into a pipe', () => {
    const pipe = fake(false);
    const terminal = openTerminal(pipe.stream, fake(false).stream, {});
    terminal.draw(['bar']);
    terminal.print('line');
    expect(pipe.text()).toBe('line\n');
  });

  it('colours only where they are wanted', () => {
    const coloured = (isTTY: boolean, env: Record<string, string>) =>
      openTerminal(fake(isTTY).stream, fake(isTTY).stream, env).style.red('x') !== 'x';
    expect(coloured(true, {})).toBe(true);
    expect(coloured(true, { NO_COLOR: '1' })).toBe(false);
    expect(coloured(true, { TERM: 'dumb' })).toBe(false);
    expect(coloured(false, {})).toBe(false);
    expect(coloured(false, { FORCE_COLOR: '1' })).toBe(true);
  });

  it('a bar is as long as asked', () => {
    const { style } = openTerminal(fake(false).stream, fake(false).stream, {});
    for (const share of [null, 0, 0.3, 1, 7]) expect(displayWidth(bar(share, 20, style))).toBe(20);
  });
});

describe('figures', () => {
  it('are short and read well', () => {
    expect(count(1234567.8)).toBe('1,234,568');
    expect([999, 1500, 5_400_000, 123_000_000_000].map(bytes)).toEqual([
      '999 B',
      '1.5 kB',
      '5.4 MB',
      '123 GB',
    ]);
    expect([340, 2400, 185_000, 7_800_000].map(duration)).toEqual([
      '340 ms',
      '2.4 s',
      '3 min 05 s',
      '2 h 10 min',
    ]);
  });

  it('a position names what is known', () => {
    expect(positionText(null)).toBe('-');
    expect(positionText({ gtidSet: 'u:1-5', file: 'b.1', offset: 4, commitMicros: 0 })).toBe(
      'u:1-5 · b.1:4 · committed 1970-01-01 00:00:00.000 UTC',
    );
  });

  it('the status line has the contract’s figures at the top', () => {
    expect(statusObject(snapshot)).toMatchObject({
      type: 'status',
      phase: 'full',
      state: 'running',
      rows: 12_351,
      loaded: 12_345,
      rowsPerSecond: 20_000,
      latencyMs: null,
    });
  });

  it('rows as JSON keep every digit and tell bytes from text', () => {
    expect(
      rowJson({ id: 9223372036854775807n }, { b: Buffer.from('a'), t: 'a"', d: Infinity, f: true }),
    ).toBe(
      '{"key":{"id":9223372036854775807},"columns":{"b":{"base64":"YQ=="},"t":"a\\"","d":"Infinity","f":true}}',
    );
  });
});
