import { expect, test } from 'vitest';
import { TablestoreError, failureKind } from '../../../../src/tablestore/client/errors.js';
import { Retries } from '../../../../src/tablestore/client/retry.js';

test.each([
  ['OTSServerBusy', 503, 'throttled'],
  ['OTSFlowControl', 429, 'throttled'],
  ['OTSNotEnoughCapacityUnit', 403, 'throttled'],
  ['OTSPartitionUnavailable', 503, 'connection'],
  ['OTSTimeout', 503, 'connection'],
  ['OTSServerUnavailable', 503, 'connection'],
  ['OTSInternalServerError', 500, 'other'],
  ['OTSRowOperationConflict', 409, 'other'],
  ['OTSTableNotReady', 404, 'other'],
  ['OTSTooFrequentReservedThroughputAdjustment', 403, 'other'],
  ['OTSObjectNotExist', 404, 'fatal'],
  ['OTSObjectAlreadyExist', 409, 'fatal'],
  ['OTSAuthFailed', 403, 'fatal'],
  ['OTSNoPermissionAccess', 403, 'fatal'],
  ['OTSCapacityUnitExhausted', 403, 'fatal'],
  ['OTSConditionCheckFail', 403, 'condition'],
  ['OTSParameterInvalid', 400, 'row'],
  ['OTSInvalidPK', 400, 'row'],
  ['OTSOutOfRowSizeLimit', 400, 'row'],
  ['OTSOutOfColumnCountLimit', 400, 'row'],
  ['OTSRequestBodyTooLarge', 413, 'row'],
  ['OTSSomethingNew', 503, 'connection'],
  ['OTSSomethingNew', 400, 'row'],
  ['OTSSomethingNew', 403, 'fatal'],
  ['OTSSomethingNew', 0, 'row'],
] as const)('%s with status %i is %s', (code, status, kind) => {
  expect(failureKind(code, status)).toBe(kind);
});

test('one code stands for a passing and a lasting quota', () => {
  expect(failureKind('OTSQuotaExhausted', 403, 'Too frequent table operations.')).toBe('other');
  expect(failureKind('OTSQuotaExhausted', 403, 'Number of tables exceeded the quota.')).toBe('fatal');
  expect(failureKind('OTSQuotaExhausted', 403, 'Something new.')).toBe('other');
});

test.each([
  ['OTSAuthFailed', 'Signature mismatch.', 'ROW-D102'],
  ['OTSAuthFailed', 'The instance is not found.', 'ROW-D103'],
  ['OTSNoPermissionAccess', 'You have no permission.', 'ROW-D104'],
  ['OTSParameterInvalid', 'x', 'ROW-D108'],
])('people are told %s "%s" as %s', (code, message, shown) => {
  const error = TablestoreError.fromService(403, code, message, 'ListTable');
  expect(error).toMatchObject({ code: shown, service: code });
  expect(error.message).toContain(message);
});

test('only an answer that may hide a finished write leaves doubt', () => {
  expect(TablestoreError.fromService(500, 'OTSInternalServerError', '', 'x').maybeApplied).toBe(true);
  expect(TablestoreError.fromService(503, 'OTSTimeout', '', 'x').maybeApplied).toBe(true);
  expect(TablestoreError.fromService(503, 'OTSServerBusy', '', 'x').maybeApplied).toBe(false);
  expect(TablestoreError.fromService(502, 'HTTP502', '', 'x').maybeApplied).toBe(true);
  expect(TablestoreError.fromService(503, 'OTSServerUnavailable', '', 'x').maybeApplied).toBe(false);
  expect(TablestoreError.fromService(0, 'OTSTimeout', '', 'a row').maybeApplied).toBe(true);
  expect(TablestoreError.fromService(409, 'OTSRowOperationConflict', '', 'x').maybeApplied).toBe(false);
  expect(TablestoreError.connection('Unreachable', '').maybeApplied).toBe(false);
  expect(TablestoreError.connection('Timeout', '').maybeApplied).toBe(true);
});

test('pauses double up to five seconds, with full jitter', () => {
  for (const [attempt, most] of [
    [1, 10],
    [6, 320],
    [10, 5000],
    [1000, 5000],
  ] as const) {
    const pauses = Array.from({ length: 200 }, () => {
      const run = new Retries({ connectionMs: Infinity, otherMs: Infinity }).begin();
      let pause = 0;
      for (let n = 0; n < attempt; n++) pause = run.failed(TablestoreError.connection('Timeout', ''));
      return pause;
    });
    expect(Math.max(...pauses)).toBeLessThanOrEqual(most);
    expect(Math.max(...pauses)).toBeGreaterThan(most * 0.8);
    expect(Math.min(...pauses)).toBeLessThan(most * 0.2);
  }
});
