/** HTTP status by error code, as the service answers (docs/tablestore.md §4). */
const statusByCode = {
  OTSServerBusy: 503,
  OTSPartitionUnavailable: 503,
  OTSTimeout: 503,
  OTSServerUnavailable: 503,
  OTSInternalServerError: 500,
  OTSRowOperationConflict: 409,
  OTSObjectAlreadyExist: 409,
  OTSTableNotReady: 404,
  OTSObjectNotExist: 404,
  OTSSessionNotExist: 404,
  OTSQuotaExhausted: 403,
  OTSTooFrequentReservedThroughputAdjustment: 403,
  OTSNotEnoughCapacityUnit: 403,
  OTSCapacityUnitExhausted: 403,
  OTSConditionCheckFail: 403,
  OTSAuthFailed: 403,
  OTSNoPermissionAccess: 403,
  OTSParameterInvalid: 400,
  OTSInvalidPK: 400,
  OTSOutOfRowSizeLimit: 400,
  OTSOutOfColumnCountLimit: 400,
  OTSUnsupportOperation: 400,
  OTSDataOutOfRange: 400,
  OTSMethodNotAllowed: 405,
  OTSRequestTimeout: 408,
  OTSRequestBodyTooLarge: 413,
  OTSFlowControl: 429,
} as const;

export type OtsErrorCode = keyof typeof statusByCode;

export function isOtsErrorCode(code: string): code is OtsErrorCode {
  return Object.hasOwn(statusByCode, code);
}

/** An answer of the service other than success, of a whole request or of one row. */
export class OtsError extends Error {
  override readonly name = 'OtsError';

  constructor(
    readonly code: OtsErrorCode,
    message: string,
  ) {
    super(message);
  }

  get status(): number {
    return statusByCode[this.code];
  }
}

export const invalid = (message: string): OtsError => new OtsError('OTSParameterInvalid', message);
export const invalidKey = (message: string): OtsError => new OtsError('OTSInvalidPK', message);
export const noSuchTable = (): OtsError =>
  new OtsError('OTSObjectNotExist', 'Requested table does not exist.');
export const conditionFailed = (): OtsError =>
  new OtsError('OTSConditionCheckFail', 'Condition check failed.');
export const rowConflict = (): OtsError =>
  new OtsError('OTSRowOperationConflict', 'Data is being modified by the other request.');

/** What the service says with a code when nothing more is known; used for faults on demand. */
export const defaultMessages: { readonly [C in OtsErrorCode]?: string } = {
  OTSServerBusy: 'Server is busy.',
  OTSPartitionUnavailable: 'The partition is not available.',
  OTSTimeout: 'Operation timeout.',
  OTSServerUnavailable: 'Server is not available.',
  OTSInternalServerError: 'Internal server error.',
  OTSRowOperationConflict: 'Data is being modified by the other request.',
  OTSTableNotReady: 'The table is not ready.',
  OTSNotEnoughCapacityUnit: 'Remaining capacity unit is not enough.',
  OTSCapacityUnitExhausted: 'Capacity unit is not enough.',
  OTSQuotaExhausted: 'Too frequent table operations.',
  OTSConditionCheckFail: 'Condition check failed.',
  OTSObjectNotExist: 'Requested table does not exist.',
  OTSFlowControl: 'Flow control.',
};
