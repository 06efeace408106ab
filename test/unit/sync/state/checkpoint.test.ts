import { beforeEach, describe, expect, it } from 'vitest';
import { changeKinds, CheckpointTracker, type Transaction } from '../../../../src/sync/state/checkpoint.js';
import type { SourcePosition } from '../../../../src/shared/position.js';
import type { RowChange } from '../../../../src/tablestore/client/model.js';

/** The checkpoint is the lowest position whose every earlier row is acknowledged or recorded (architecture, decision 5). */

const at = (offset: number): SourcePosition => ({ file: 'b.1', offset });
const figure = {};
let figures: number;
let refused: string[];
let tracker: CheckpointTracker;

beforeEach(() => {
  figures = 0;
  refused = [];
  tracker = new CheckpointTracker(at(4), {
    written: (change) => {
      if (change.tag === changeKinds.extra) return null;
      figures++;
      return figure;
    },
    uncounted: (_what, times) => (figures -= times),
    rejected: (_change, { code }, transaction) => {
      refused.push(`${code} in ${transaction.name}`);
      if (code === 'HOLDS') transaction.freeze();
    },
  });
});

const change = (owner: Transaction, tag: number = changeKinds.insert): RowChange => ({
  table: 't',
  op: 'put',
  key: 'k',
  row: Buffer.alloc(0),
  dataBytes: 0,
  owner,
  tag,
});
const noHold = () => {
  throw new Error('not asked');
};
const refuse = (owner: Transaction, code: string) =>
  owner.rejected(change(owner), { code, message: '' }, noHold);

/** A whole transaction with so many rows on their way. */
function transaction(name: string, end: number, rows: number, commitMicros = 0): Transaction {
  const made = tracker.begin(commitMicros, name);
  for (let n = 0; n < rows; n++) made.expect();
  made.seal(at(end));
  return made;
}

describe('the checkpoint', () => {
  it('passes transactions in stream order only, whichever is through first', () => {
    const [first, second] = [transaction('a', 10, 2), transaction('b', 20, 1)];
    second.acknowledged(change(second));
    expect(tracker.position).toEqual(at(4));
    first.acknowledged(change(first));
    expect(tracker.position).toEqual(at(4));
    first.acknowledged(change(first));
    expect(tracker.position).toEqual(at(20));
    expect(tracker.isIdle).toBe(true);
  });

  it('passes no transaction of which more may come', () => {
    const open = tracker.begin(0, 'a');
    open.expect();
    open.acknowledged(change(open));
    expect(tracker.position).toEqual(at(4));
    expect(tracker.sealed).toEqual(at(4));
    open.seal(at(10));
    expect([tracker.position, tracker.sealed]).toEqual([at(10), at(10)]);
  });

  it('waits for rows that are expected and not sent', () => {
    const one = transaction('a', 10, 1);
    expect(tracker.position).toEqual(at(4));
    one.settled();
    expect(tracker.position).toEqual(at(10));
  });

  it('knows where a transaction begins: behind the one before it', () => {
    transaction('a', 10, 1);
    expect(tracker.begin(0, 'b').begins).toEqual(at(10));
  });

  it('passes a row that was refused and recorded, and never one that holds, nor what comes after it', () => {
    const [skipped, holding] = [transaction('a', 10, 1), transaction('b', 20, 1)];
    refuse(skipped, 'SKIPPED');
    expect(tracker.position).toEqual(at(10));
    refuse(holding, 'HOLDS');
    const behind = transaction('c', 30, 1);
    behind.acknowledged(change(behind));
    tracker.heartbeat(at(40));
    expect(tracker.position).toEqual(at(10));
    expect(refused).toEqual(['SKIPPED in a', 'HOLDS in b']);
  });

  it('moves on with heartbeats, behind what is on its way', () => {
    const one = transaction('a', 10, 1);
    tracker.heartbeat(at(15));
    expect(tracker.position).toEqual(at(4));
    one.acknowledged(change(one));
    expect(tracker.position).toEqual(at(15));
  });

  it('is held by a barrier, and by all of them', () => {
    const [release, other] = [tracker.barrier(), tracker.barrier()];
    transaction('a', 10, 0);
    expect([tracker.position, tracker.isIdle]).toEqual([at(4), false]);
    release();
    expect(tracker.position).toEqual(at(4));
    other();
    expect([tracker.position, tracker.isIdle]).toEqual([at(10), true]);
  });

  it('does not move to what was given up in the middle, whose rows hold it all the same', () => {
    const cut = tracker.begin(0, 'a');
    cut.expect();
    cut.abandon();
    transaction('a', 10, 0);
    expect(tracker.position).toEqual(at(4));
    cut.acknowledged(change(cut));
    expect(tracker.position).toEqual(at(10));
  });

  it('keeps the time of the last commit where a heartbeat has none, and tells that of the oldest on its way', () => {
    const [first, second] = [transaction('a', 10, 1, 100), transaction('b', 20, 1, 200)];
    expect(tracker.oldestMicros).toBe(100);
    first.acknowledged(change(first));
    tracker.heartbeat(at(25));
    expect([tracker.position.commitMicros, tracker.oldestMicros]).toEqual([100, 200]);
    second.acknowledged(change(second));
    expect([tracker.position, tracker.oldestMicros]).toEqual([{ ...at(25), commitMicros: 200 }, null]);
  });

  it('gives what is to be stored with it once, in order, and never before it has passed', () => {
    const done: string[] = [];
    const [first, second] = [transaction('a', 10, 1), transaction('b', 20, 1)];
    first.onPassed.push(() => done.push('a'));
    second.onPassed.push(() => done.push('b'));
    second.acknowledged(change(second));
    expect(tracker.takePassed()).toEqual([]);
    first.onThrough = () => done.push('through');
    first.acknowledged(change(first));
    for (const step of tracker.takePassed()) step();
    expect(done).toEqual(['through', 'a', 'b']);
    expect(tracker.takePassed()).toEqual([]);
  });

  it('holds over thousands of transactions that come and go', () => {
    const open = Array.from({ length: 5000 }, (_, n) => transaction(String(n), 10 + n, 1));
    const late = [open[0]!, open[3000]!];
    for (const one of open) if (!late.includes(one)) one.acknowledged(change(one));
    expect(tracker.position).toEqual(at(4));
    late[0]!.acknowledged(change(late[0]!));
    tracker.heartbeat(at(6000));
    expect(tracker.position).toEqual(at(10 + 2999));
    late[1]!.acknowledged(change(late[1]!));
    expect([tracker.position, tracker.isIdle]).toEqual([at(6000), true]);
  });
});

describe('figures', () => {
  it('count each row once, however often a transaction is read again (correctness rule 15)', () => {
    const cut = tracker.begin(0, 'a');
    cut.expect();
    cut.expect();
    cut.acknowledged(change(cut));
    expect(figures).toBe(1);
    cut.abandon();
    expect(figures).toBe(0);
    cut.acknowledged(change(cut));
    expect(figures).toBe(0);
    const again = transaction('a', 10, 2);
    again.acknowledged(change(again));
    again.acknowledged(change(again));
    expect(figures).toBe(2);
  });

  it('leave out the delete half of a key change', () => {
    const one = transaction('a', 10, 2);
    one.acknowledged(change(one, changeKinds.extra));
    one.acknowledged(change(one, changeKinds.update));
    expect(figures).toBe(1);
  });
});

it('numbers rows by table, so that another selection changes no identity', () => {
  const one = tracker.begin(0, 'a');
  expect([one.nextRow('x'), one.nextRow('y'), one.nextRow('x')]).toEqual([0, 0, 1]);
});
