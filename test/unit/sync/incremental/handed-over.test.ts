import { beforeEach, describe, expect, it } from 'vitest';
import { HandedOver } from '../../../../src/sync/incremental/handed-over.js';
import type { CheckpointTracker } from '../../../../src/sync/state/checkpoint.js';
import { stateOf } from '../../../../src/sync/state/table-state.js';
import { TableRecords } from '../../../../src/sync/state/table-records.js';
import { acknowledge, at, stores, syncing, trackerFrom, transaction } from './kept.js';

/** Tables that the main stream has taken over (correctness rule 11): what they had on their way, and their own position. */

const newStore = stores();
let records: TableRecords;
let main: CheckpointTracker;
let own: CheckpointTracker;
let handedOver: HandedOver;

beforeEach(() => {
  records = new TableRecords(newStore());
  main = trackerFrom(100);
  own = trackerFrom(50);
  handedOver = new HandedOver(() => main, records);
});
const states = () => Object.fromEntries(records.all.map((record) => [record.source, stateOf(record)]));

describe('tables that are handed over', () => {
  it('hold the checkpoint until what they had on their way is at the destination', () => {
    const row = transaction(own, 100);
    handedOver.add([syncing(records, 'a', 50)], at(100), own);
    transaction(main, 110).settled();
    expect(main.position).toEqual(at(100));
    handedOver.settle();
    expect(main.position).toEqual(at(100));
    acknowledge(row);
    handedOver.settle();
    expect(main.position).toEqual(at(110));
  });

  it('keep a position of their own until the checkpoint has passed it: a killed run begins with it again', () => {
    handedOver.add([syncing(records, 'a', 50)], at(120), own);
    transaction(main, 110).settled();
    handedOver.pass();
    expect(records.get('a').from).toEqual(at(50));
    expect(states()).toEqual({ a: 'joining' });
    transaction(main, 120).settled();
    handedOver.pass();
    expect(states()).toEqual({ a: 'incremental' });
    expect(handedOver.isEmpty).toBe(true);
  });

  it('are not passed while their rows are on their way, though the checkpoint was there before they came', () => {
    const row = transaction(own, 100);
    handedOver.add([syncing(records, 'a', 50)], at(100), own);
    handedOver.pass();
    expect(states()).toEqual({ a: 'joining' });
    acknowledge(row);
    handedOver.settle();
    handedOver.pass();
    expect(states()).toEqual({ a: 'incremental' });
  });

  it('take what they passed after their own stream had ended into the store with them, once', () => {
    const steps: string[] = [];
    const row = transaction(own, 100, () => steps.push(stateOf(records.get('a'))));
    handedOver.add([syncing(records, 'a', 50)], at(100), own);
    acknowledge(row);
    handedOver.settle();
    expect(steps).toEqual([]);
    handedOver.pass();
    handedOver.pass();
    expect(steps).toEqual(['joining']);
  });

  it('say nothing of a table that began again, or left, since then', () => {
    handedOver.add(
      [syncing(records, 'a', 50), syncing(records, 'b', 50), syncing(records, 'c', 50)],
      at(100),
      own,
    );
    // One is dropped, and another begins another life that nobody told of.
    handedOver.drop('a');
    syncing(records, 'b', 130);
    handedOver.pass();
    expect(states()).toEqual({ a: 'joining', b: 'joining', c: 'incremental' });
    expect(records.get('b').from).toEqual(at(130));
  });

  it('hold it each for itself', () => {
    const other = trackerFrom(50);
    const [first, second] = [transaction(own, 100), transaction(other, 100)];
    handedOver.add([syncing(records, 'a', 50)], at(100), own);
    handedOver.add([syncing(records, 'b', 50)], at(100), other);
    transaction(main, 110).settled();
    acknowledge(first);
    handedOver.settle();
    handedOver.pass();
    expect([states(), main.position]).toEqual([{ a: 'incremental', b: 'joining' }, at(100)]);
    acknowledge(second);
    handedOver.settle();
    handedOver.pass();
    expect(states()).toEqual({ a: 'incremental', b: 'incremental' });
  });
});
