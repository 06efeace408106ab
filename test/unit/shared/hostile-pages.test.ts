import { describe, expect, it } from 'vitest';
import { callArguments, type CallSchemas } from '../../../src/shared/call-arguments.js';
import { RowferryError } from '../../../src/shared/errors.js';
import {
  connectionCalls,
  dirtyCalls,
  monitorCalls,
  precheckCalls,
  rowsCalls,
  taskEditorCalls,
  verifyCalls,
} from '../../../src/shared/pages.js';
import { fuzz } from '../../support/fuzz.js';
import { randomValue } from '../../support/random-value.js';

/** A page is not trusted: whatever it says, what gets through is of the schema, and the rest gets one sentence. */

const caller = { name: 'The page', remedy: 'Open it again.' };
const pages: Record<string, CallSchemas> = {
  connectionCalls,
  dirtyCalls,
  monitorCalls,
  precheckCalls,
  rowsCalls,
  taskEditorCalls,
  verifyCalls,
};
const hints = [
  'path',
  'value',
  'limit',
  'from',
  'startAt',
  'side',
  'pair',
  'destination',
  'jsonl',
  'offset',
  'source',
  'code',
  'ids',
  'write',
  'throttle',
  'full',
  'rowsPerSecond',
  'buckets',
  'database',
  'name',
  'filter',
  'table',
  'rows',
  'before',
  'csv',
  'check',
  'objects',
  'source.password',
  'url',
  1,
  10,
  1000,
  true,
];

describe('what a page says', () => {
  fuzz('is taken by its schema or refused in one sentence', (chance) => {
    const calls = chance.of(Object.values(pages));
    const call = chance.of(Object.keys(calls));
    // Structured clones of a page have no undefined in JSON, but may have it here.
    const given = Array.from({ length: chance.below(4) }, () => randomValue(chance, hints));
    let taken: unknown[];
    try {
      taken = callArguments(calls[call]!, call, given, caller);
    } catch (error) {
      expect(error).toBeInstanceOf(RowferryError);
      const { message } = error as RowferryError;
      expect(message).toMatch(/^The page called \w+ with wrong arguments( \(argument .*\))?\.$/);
      expect(message.length).toBeLessThan(1200);
      return;
    }
    expect(Array.isArray(taken)).toBe(true);
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('is named by its argument when it is refused', () => {
    expect(() =>
      callArguments(rowsCalls.page, 'page', [{ side: 'source', pair: null, limit: 5000 }], caller),
    ).toThrow('The page called page with wrong arguments (argument 0.limit).');
    const few = { side: 'source', pair: null, limit: 5 };
    expect(callArguments(rowsCalls.page, 'page', [few], caller)).toEqual([few]);
  });
});
