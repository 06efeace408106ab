import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileLog } from '../../../src/engine/base/log.js';

let file: string;
beforeEach(() => {
  file = join(mkdtempSync(join(tmpdir(), 'rowferry-log-')), 'engine.log');
});
afterEach(() => rmSync(join(file, '..'), { recursive: true }));

const entries = () =>
  readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as unknown);

describe('the log', () => {
  it('is one JSON object a message, on one line each, with what the message is about', () => {
    const log = new FileLog(file);
    log.info('engine 1 opened /state');
    log.warn('stopped\nfor a reason', {
      task: { id: 't-1', name: 'orders' },
      table: 'shop.orders',
      code: 'ROW-D110',
    });
    expect(entries()).toEqual([
      { time: expect.any(String), level: 'info', message: 'engine 1 opened /state' },
      {
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        level: 'warn',
        task: 't-1',
        table: 'shop.orders',
        code: 'ROW-D110',
        message: 'stopped\nfor a reason',
      },
    ]);
  });

  it('tells its listener the same for people, with the name of the task or else its id', () => {
    const heard: unknown[] = [];
    const log = new FileLog(file, (...message) => heard.push(message));
    log.info('engine exiting');
    log.error('failed', { task: { id: 't-1', name: 'orders' }, code: 'ROW-S101' });
    log.debug('forgotten', { task: { id: 't-1' } });
    expect(heard).toEqual([
      ['info', 'engine exiting', undefined],
      ['error', 'orders: failed', 't-1'],
      ['debug', 't-1: forgotten', 't-1'],
    ]);
  });

  it('is turned over at 5 MB, and three old ones are kept', () => {
    const log = new FileLog(file);
    for (let n = 0; n < 26; n++) log.info(`${n} ${'x'.repeat(1 << 20)}`);
    expect(statSync(file).size).toBeLessThanOrEqual(5 << 20);
    expect(readFileSync(`${file}.3`, 'utf8').length).toBeGreaterThan(0);
    expect(() => statSync(`${file}.4`)).toThrow();
  });
});
