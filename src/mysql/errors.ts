import { RowferryError, type ErrorCode } from '../shared/errors.js';
import { said } from '../shared/said.js';

/** What mysql2 and Node put on an error: a symbolic code, and MySQL's own number when the server spoke. */
interface DriverError {
  readonly code?: string;
  readonly errno?: number;
  readonly message: string;
}

const unreachable: ErrorCode = 'ROW-S101';
const refused: ErrorCode = 'ROW-S102';
const unprivileged: ErrorCode = 'ROW-S103';
const lost: ErrorCode = 'ROW-S107';
const unknownObject: ErrorCode = 'ROW-S108';
const tls: ErrorCode = 'ROW-S110';
const full: ErrorCode = 'ROW-S114';

/** MySQL Server Error Message Reference: numbers never change their meaning, texts do. */
const byNumber = new Map<number, ErrorCode>([
  [1040, full], // too many connections
  [1203, full], // too many connections of this user
  [1226, full], // a resource limit of this user
  [1135, full], // no thread for it
  [3032, unreachable], // offline mode
  [1129, unreachable], // host blocked after too many errors
  [1044, unprivileged],
  [1142, unprivileged],
  [1143, unprivileged],
  [1227, unprivileged],
  [1370, unprivileged],
  [1045, refused],
  [1130, refused],
  [1251, refused],
  [1698, refused],
  [1820, refused],
  [1862, refused],
  [3118, refused],
  [3955, refused],
  [1049, unknownObject],
  [1054, unknownObject],
  [1146, unknownObject],
  [1053, lost], // server shutdown
  [1077, lost],
  [1079, lost],
  [1152, lost],
  [1158, lost],
  [1159, lost],
  [1160, lost],
  [1161, lost],
  [1317, lost], // the query was killed
  [1927, lost],
  [3168, lost], // server is going away
  [3169, lost], // the session was killed
  [4031, lost], // idle for too long
  [3159, tls], // the server insists on encryption
]);

/** What to do where the number says more than the code of the product does. */
const remedies = new Map<number, string>([
  [1040, 'Raise max_connections on the server, or close other connections. The task retries automatically.'],
  [1203, 'Raise max_user_connections on the server. The task retries automatically.'],
  [
    1226,
    'Raise the limit named in the message: for the account, ALTER USER … WITH MAX_USER_CONNECTIONS …; for the server, max_user_connections. "rowferry check" shows how many connections the task needs. The task retries automatically.',
  ],
  [3032, 'The server accepts only administrators. Run SET GLOBAL offline_mode = OFF.'],
  [1129, 'Run FLUSH HOSTS or TRUNCATE TABLE performance_schema.host_cache on the server.'],
  [
    1045,
    'Check the user and the password, and that the account exists and may connect from this machine. If the account requires TLS, set source.ssl; if it requires a certificate, set source.certFile and source.keyFile.',
  ],
  [1130, "Create the account for the host named in the message, or for any host: CREATE USER …@'%'."],
  [1820, 'The password has expired. Set a new one with ALTER USER … IDENTIFIED BY ….'],
  [1862, 'The password has expired. Set a new one with ALTER USER … IDENTIFIED BY ….'],
  [3118, 'The account is locked. Unlock it with ALTER USER … ACCOUNT UNLOCK.'],
  [
    3955,
    'The account is temporarily locked after too many wrong passwords. Correct the password, or unlock the account with ALTER USER … ACCOUNT UNLOCK.',
  ],
  [3159, 'The server accepts only encrypted connections. Set source.ssl to "required" or stricter.'],
]);

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'ETIMEDOUT',
  'EPIPE',
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_PACKETS_OUT_OF_ORDER',
  'PROTOCOL_UNEXPECTED_PACKET',
]);

/**
 * Answers to a statement that tell of the server or of the account as a whole, whichever table was asked: no room, no
 * memory, a lock that waits, a privilege that is no table's.
 */
const ofServer = new Set([
  1021, 1028, 1037, 1038, 1041, 1114, 1135, 1180, 1205, 1206, 1213, 1227, 1290, 1412, 1436, 1836, 3024, 3100,
  3572, 3989,
]);

/** Did the server answer so for a reason of its own? */
export function isOfServer(error: RowferryError): boolean {
  return ofServer.has((error.cause as Partial<DriverError> | undefined)?.errno ?? 0);
}

const authenticationCodes = new Set(['AUTH_SWITCH_PLUGIN_ERROR', 'MYSQL_CLEAR_PASSWORD_NOT_ENABLED']);

const tlsCode =
  /^(HANDSHAKE_|ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|EPROTO$|HOSTNAME_MISMATCH$)/;

/**
 * Turns what the driver reports into the product's error. `stage` tells a server that was never there from one
 * that went away; `address` is host:port. Decides on codes and numbers alone.
 */
export function sourceError(error: unknown, stage: 'connect' | 'use', address: string): RowferryError {
  if (error instanceof RowferryError) return error;
  const driver = (error ?? { message: 'unknown error' }) as DriverError;
  const code = codeOf(driver, stage);
  const text = said(driver.message || driver.code || 'no reason given');
  const message = {
    [unreachable]: `Cannot reach MySQL at ${address}: ${text}`,
    [refused]: `MySQL at ${address} refused the login: ${text}`,
    [unprivileged]: `The MySQL account lacks a privilege: ${text}`,
    [lost]: `The connection to MySQL at ${address} was lost: ${text}`,
    [unknownObject]: `An object does not exist in MySQL: ${text}`,
    [full]: `MySQL at ${address} refused another connection or query: ${text}`,
    [tls]: `The encrypted connection to MySQL at ${address} failed: ${text}`,
  }[code as string];
  const remedy = driver.errno === undefined ? undefined : remedies.get(driver.errno);
  return new RowferryError(code, message ?? `MySQL at ${address} returned an error: ${text}`, {
    cause: error,
    ...(remedy !== undefined && { remedy }),
  });
}

function codeOf(error: DriverError, stage: 'connect' | 'use'): ErrorCode {
  const numbered = error.errno !== undefined && error.errno > 0 ? byNumber.get(error.errno) : undefined;
  if (numbered) return numbered === lost && stage === 'connect' ? unreachable : numbered;
  if (error.code !== undefined) {
    if (networkCodes.has(error.code)) return stage === 'connect' ? unreachable : lost;
    if (tlsCode.test(error.code)) return tls;
    if (authenticationCodes.has(error.code)) return refused;
  }
  // mysql2 marks what ended the connection as fatal even where it gives it no code of its own.
  if (error.errno === undefined && (error as { fatal?: boolean }).fatal === true) {
    return stage === 'connect' ? unreachable : lost;
  }
  return 'ROW-S111';
}
