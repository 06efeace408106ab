/**
 * What went wrong with Tablestore, and what may be done about it. The one table of service codes (docs/tablestore.md §4);
 * everything decides on code and HTTP status, never on a message, with the two exceptions marked below.
 */
import { said } from '../../shared/said.js';
import { RowferryError, type ErrorCode } from '../../shared/errors.js';

/**
 * What to do after a failure.
 * - connection: the service could not be asked or could not answer; retried within the connection window.
 * - throttled: it asked us to slow down; waited for as long as it takes.
 * - other: may well pass on another try; retried within the other window.
 * - fatal: nothing that this row or request can help (access key, permission, missing table): a person may put it
 *   right, so it is retried within the other window, and then it ends the task. Never dirty data.
 * - condition: the row-existence condition did not hold.
 * - row: this row (or a row in this request) is refused for good.
 */
export type FailureKind = 'connection' | 'throttled' | 'other' | 'fatal' | 'condition' | 'row';

const kindByCode: Readonly<Record<string, FailureKind>> = {
  OTSServerBusy: 'throttled',
  OTSFlowControl: 'throttled',
  OTSNotEnoughCapacityUnit: 'throttled',
  OTSPartitionUnavailable: 'connection',
  OTSTimeout: 'connection',
  OTSServerUnavailable: 'connection',
  OTSRequestTimeout: 'connection',
  OTSInternalServerError: 'other',
  OTSRowOperationConflict: 'other',
  OTSTableNotReady: 'other',
  OTSTooFrequentReservedThroughputAdjustment: 'other',
  OTSObjectAlreadyExist: 'fatal',
  OTSObjectNotExist: 'fatal',
  OTSCapacityUnitExhausted: 'fatal',
  OTSAuthFailed: 'fatal',
  OTSNoPermissionAccess: 'fatal',
  OTSMethodNotAllowed: 'fatal',
  OTSConditionCheckFail: 'condition',
  OTSParameterInvalid: 'row',
  OTSInvalidPK: 'row',
  OTSOutOfRowSizeLimit: 'row',
  OTSOutOfColumnCountLimit: 'row',
  OTSUnsupportOperation: 'row',
  OTSDataOutOfRange: 'row',
  OTSRequestBodyTooLarge: 'row',
};

/**
 * First exception (architecture.md, decision 10): one code for a passing and a lasting state. An unknown message
 * counts as passing, so that it is tried again within the other window.
 */
const lastingQuota = /^Number of tables exceeded the quota/;

/** @param status HTTP status of the answer, 0 for the error of one row inside a good answer. */
export function failureKind(code: string, status: number, message = ''): FailureKind {
  if (code === 'OTSQuotaExhausted') return lastingQuota.test(message) ? 'fatal' : 'other';
  const known = kindByCode[code];
  if (known !== undefined) return known;
  if (status >= 500) return 'connection';
  if (status === 408 || status === 429) return 'throttled';
  if (status === 400 || status === 413) return 'row';
  // A new code inside a good answer says something of its row; with any other status it says something of us.
  return status === 0 ? 'row' : 'fatal';
}

/**
 * May the write have been carried out, or still be, although this was answered? A timeout inside the service, or an
 * error of the server behind a front, says nothing of it.
 */
export function maybeApplied(status: number, code: string): boolean {
  return (
    code === 'OTSTimeout' ||
    code === 'OTSInternalServerError' ||
    (status >= 500 && kindByCode[code] === undefined)
  );
}

/** `service` of failures that never reached the service or lost its answer. */
export type ConnectionFailure =
  | 'Unreachable' // no connection came about: nothing was sent
  | 'Timeout' // no answer in time; the connection was destroyed
  | 'Interrupted' // the connection ended before the answer was complete
  | 'Malformed'; // an answer that is not what the protocol allows

interface Details {
  /** OTS code of the service, or a ConnectionFailure. */
  readonly service: string;
  /** HTTP status; 0 without an answer. */
  readonly status: number;
  readonly kind: FailureKind;
  /** A write may have been carried out, or may still be, although we saw no answer. */
  readonly maybeApplied: boolean;
}

/** The one error that everything in this folder throws. As RowferryError it is fit to be shown to people. */
export class TablestoreError extends RowferryError implements Details {
  readonly service: string;
  readonly status: number;
  readonly kind: FailureKind;
  readonly maybeApplied: boolean;

  constructor(code: ErrorCode, message: string, details: Details, cause?: unknown) {
    super(code, message, { cause });
    this.service = details.service;
    this.status = details.status;
    this.kind = details.kind;
    this.maybeApplied = details.maybeApplied;
  }

  /** From an answer of the service, for a whole request. */
  static fromService(status: number, code: string, message: string, operation: string): TablestoreError {
    const kind = failureKind(code, status, message);
    const text = `Tablestore rejected ${operation}: ${said(code)}${message ? ` ${message}` : ''}`;
    return new TablestoreError(shownCode(code, message), text, {
      service: code,
      status,
      kind,
      maybeApplied: maybeApplied(status, code),
    });
  }

  static connection(failure: ConnectionFailure, message: string, cause?: unknown): TablestoreError {
    return new TablestoreError(
      'ROW-D101',
      message,
      { service: failure, status: 0, kind: 'connection', maybeApplied: failure !== 'Unreachable' },
      cause,
    );
  }
}

/**
 * Second exception: the service has one code for a bad key pair and for an instance that does not exist. Only what
 * a person is told depends on it, nothing that the program does.
 */
const missingInstance = /instance is not found/i;

function shownCode(code: string, message: string): ErrorCode {
  switch (code) {
    case 'OTSAuthFailed':
      return missingInstance.test(message) ? 'ROW-D103' : 'ROW-D102';
    case 'OTSNoPermissionAccess':
      return 'ROW-D104';
    default:
      return 'ROW-D108';
  }
}
