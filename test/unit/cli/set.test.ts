import { describe, expect, it } from 'vitest';
import { readChanges } from '../../../src/cli/commands/set.js';

const task = `{ // comment
  "source": { "user": "u" },
  "destination": { "endpoint": "http://h", "instance": "local", "accessKeyId": "k", "accessKeySecret": "s" },
  "objects": [{ "database": "d" }],
  "write": { "concurrency": 5, "buckets": 5 },
}`;

describe('rowferry set', () => {
  it('reads keys of the task file, null included', () => {
    expect(
      readChanges(task, [
        'write.concurrency=20',
        'write.buckets=20',
        'throttle.full.rowsPerSecond=null',
        'throttle.incremental.megabytesPerSecond=0.5',
        'audit.rowsPerSecond=50',
      ]),
    ).toEqual({
      audit: { rowsPerSecond: 50 },
      write: { concurrency: 20, buckets: 20 },
      throttle: { full: { rowsPerSecond: null }, incremental: { megabytesPerSecond: 0.5 } },
    });
  });

  it.each([
    [['write.buckets=6'], /write\.buckets: must be at most concurrency/],
    [['write.concurrency=0'], /write\.concurrency: must be at least 1/],
    [['write.concurrency=2.5'], /whole number/],
    [['throttle.full.rowsPerSecond=-1'], /must be more than 0/],
    [['audit.rowsPerSecond=null'], /audit\.rowsPerSecond/],
    [['write.concurrency=fast'], /must be a number/],
    [['write.concurency=6'], /Did you mean write\.concurrency\?/],
    [['name=x'], /cannot be changed while the task runs/],
    [['write.concurrency'], /KEY=VALUE/],
  ])('%j is refused', (changes, message) => {
    expect(() => readChanges(task, changes)).toThrow(
      expect.objectContaining({ code: 'ROW-T104', message: expect.stringMatching(message) }),
    );
  });
});
