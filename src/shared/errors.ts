export type ExitCode = 1 | 2 | 3 | 4 | 5;

/**
 * Every error a person can meet: a stable code, one sentence of what happened, one of what to do.
 * Code decides on `code`, never on a message. A code is defined once, in errorCodes, with cause and remedy.
 */
export interface ErrorDefinition {
  /** Why it happens, for the documentation. */
  readonly cause: string;
  /** What to do, in one sentence; the default remedy shown when the place that throws has no better one. */
  readonly remedy: string;
  /** The exit code of the command line (task-file contract): 1 not so, 2 usage, 3 unreachable or refused, 4 blocked, 5 cut off. */
  readonly exit: ExitCode;
}

/**
 * S = source (MySQL), D = destination (Tablestore), T = task file, E = engine and store, V = values (dirty data).
 * New codes are added at the end of their group and never reused.
 */
export const errorCodes = {
  'ROW-S101': {
    exit: 3,
    cause: 'The MySQL server is unreachable.',
    remedy:
      'Check the host and port, that the server is running, and that its whitelists or security groups allow this machine.',
  },
  'ROW-S102': {
    exit: 3,
    cause: 'MySQL rejected the user or the password.',
    remedy: 'Check the user and the password, and that the account exists and may connect from this machine.',
  },
  'ROW-S103': {
    exit: 3,
    cause: 'The account lacks a privilege.',
    remedy:
      'Grant the privilege named in the message. If a role already grants it, activate the role: SET DEFAULT ROLE ALL TO ….',
  },
  'ROW-S104': {
    exit: 3,
    cause: 'The server no longer has the binlog position.',
    remedy: 'Run a new full load, and keep binlogs longer.',
  },
  'ROW-S105': {
    exit: 3,
    cause: 'The server does not write a binlog that can be replicated.',
    remedy: 'Turn on log_bin with binlog_format=ROW and binlog_row_image=FULL.',
  },
  'ROW-S106': {
    exit: 1,
    cause: 'A selected table has no PRIMARY KEY and no NOT NULL UNIQUE key.',
    remedy: 'Add a key, or choose key columns in the task.',
  },
  'ROW-S107': {
    exit: 3,
    cause: 'The connection to MySQL was lost.',
    remedy: 'The task reconnects automatically. If this persists, check the server.',
  },
  'ROW-S108': {
    exit: 1,
    cause: 'A selected table or column does not exist.',
    remedy: 'Correct the name in the task file.',
  },
  'ROW-S109': {
    exit: 3,
    cause: 'The binlog contains an event that cannot be read safely.',
    remedy: 'Follow the instructions in the message. A new full load always works.',
  },
  'ROW-S110': {
    exit: 3,
    cause: 'The TLS connection to the source failed.',
    remedy: 'Check source.ssl and the certificate files.',
  },
  'ROW-S111': {
    exit: 3,
    cause: 'The source returned an error for a query.',
    remedy: "See the server's message.",
  },
  'ROW-S112': {
    exit: 3,
    cause: 'The source was unavailable for longer than the retry window.',
    remedy:
      'Fix the problem named in the message, then start the task again. It continues from its checkpoint.',
  },
  'ROW-S113': {
    exit: 3,
    cause:
      'A table changed at the source in a way that cannot be replicated. The table stopped; the others continue.',
    remedy: 'Reload the table: rowferry reload TASK --table DB.TABLE.',
  },
  'ROW-S114': {
    exit: 3,
    cause: 'The server accepts no more connections or queries from the account for now.',
    remedy:
      'Raise the limit named in the message, or close other connections. The task retries automatically.',
  },
  'ROW-S115': {
    exit: 3,
    cause:
      'The server asks for the password itself, and nothing proves that it is the right server. The password was not sent.',
    remedy:
      'Set source.ssl to "verify-identity" and source.caFile to its certificate authority. Without TLS, set source.serverPublicKeyFile to a copy of its public_key.pem. Only in a network that you trust: "ssl": "required", or "allowPublicKeyRetrieval": true.',
  },
  'ROW-D101': {
    exit: 3,
    cause: 'The Tablestore endpoint is unreachable.',
    remedy: 'Check the endpoint and the network, and that the instance allows access from this network.',
  },
  'ROW-D102': {
    exit: 3,
    cause: 'Tablestore rejected the AccessKey pair.',
    remedy: 'Check the AccessKey ID, its secret and the clock of this machine.',
  },
  'ROW-D103': {
    exit: 3,
    cause: 'The instance does not exist at this endpoint.',
    remedy: 'Check the instance name and the region of the endpoint.',
  },
  'ROW-D104': {
    exit: 3,
    cause: 'The account lacks permission for this operation.',
    remedy: 'Grant the RAM user the permission named in the message.',
  },
  'ROW-D105': {
    exit: 1,
    cause: 'A destination table with this name already exists.',
    remedy:
      'Rename the object, delete the table, or set "conflict" to "ignore". If this task created the table and its state folder is lost, then run "rowferry reload TASK".',
  },
  'ROW-D106': {
    exit: 1,
    cause: 'The destination table has another key.',
    remedy:
      'Choose the same key columns, or delete and re-create the destination table: rowferry reload TASK --table DB.TABLE --remake.',
  },
  'ROW-D107': {
    exit: 1,
    cause: 'Tablestore does not allow this name.',
    remedy:
      'Rename it. Use letters, digits and underscores, do not start with a digit, and stay within 255 bytes.',
  },
  'ROW-D108': {
    exit: 3,
    cause: 'Tablestore returned an error.',
    remedy: "See the service's message.",
  },
  'ROW-D109': {
    exit: 3,
    cause: 'The retry window has ended.',
    remedy:
      'Fix the problem named in the message, then start the task again. It continues from its checkpoint.',
  },
  'ROW-D110': {
    exit: 3,
    cause: 'A destination table was deleted in Tablestore. The table stopped; the others continue.',
    remedy: 'Re-create and reload it: rowferry reload TASK --table DB.TABLE --remake.',
  },
  'ROW-T101': { exit: 2, cause: 'The task file could not be read.', remedy: 'Check the path.' },
  'ROW-T102': {
    exit: 2,
    cause: 'The task file is not valid.',
    remedy: 'Correct the line named in the message.',
  },
  'ROW-T103': {
    exit: 2,
    cause: 'An environment variable is not set.',
    remedy: 'Set the variable named in the message.',
  },
  'ROW-T104': { exit: 2, cause: 'The command line is not valid.', remedy: 'See rowferry --help.' },
  'ROW-T105': {
    exit: 2,
    cause: 'A named connection does not exist.',
    remedy: 'Add the connection, or name an existing one.',
  },
  'ROW-T106': {
    exit: 2,
    cause: 'The running task cannot switch to the objects in its file.',
    remedy: 'Correct the problem named in the message, then apply the changes again.',
  },
  'ROW-T107': {
    exit: 2,
    cause: 'The task file sends a variable of the environment to a server that it never went to.',
    remedy: 'If you trust the file, run the command once on a terminal and confirm, or pass --trust-file.',
  },
  'ROW-E101': {
    exit: 3,
    cause: 'Another process is using this state folder or running this task.',
    remedy: 'Stop that process, or use another --state folder.',
  },
  'ROW-E102': {
    exit: 1,
    cause: 'The precheck did not reach 100 %.',
    remedy: 'Fix the failed checks, or accept warnings by adding their IDs to ignoredChecks.',
  },
  'ROW-E103': { exit: 3, cause: 'The port is in use.', remedy: 'Choose another port with --port.' },
  'ROW-E104': {
    exit: 3,
    cause: 'The engine exited unexpectedly.',
    remedy: 'Start the task again; it continues from its checkpoint. See the log for the cause.',
  },
  'ROW-E105': {
    exit: 3,
    cause: 'The state folder cannot be used.',
    remedy: "Check the folder's permissions and free space, or choose another with --state.",
  },
  'ROW-E106': { exit: 3, cause: 'Node.js is too old.', remedy: 'Install Node.js 22.15 or later.' },
  'ROW-E107': {
    exit: 3,
    cause: 'The engine hit an internal error.',
    remedy:
      'Start the task again; it continues from its checkpoint. Please report the error with a support bundle.',
  },
  'ROW-E108': {
    exit: 3,
    cause: 'The engine of this state folder is newer than this program.',
    remedy: 'Update Rowferry, or stop the other engine first.',
  },
  'ROW-E109': {
    exit: 1,
    cause: 'The task is unknown or not running in this state folder.',
    remedy: 'Start the task first, or pass the --state folder it runs with.',
  },
  'ROW-E110': {
    exit: 3,
    cause: 'The data file of the embedded Tablestore is damaged, or belongs to another program.',
    remedy:
      'Choose another folder with --data, or move the file away. Rowferry never writes to it in this state.',
  },
  'ROW-E111': {
    exit: 1,
    cause: 'A comparison of source and destination, or a retry of dirty records, was cancelled.',
    remedy: 'Start it again at any time.',
  },
  'ROW-E112': {
    exit: 3,
    cause: 'The task is running, and this operation requires it to be stopped.',
    remedy: 'Stop the task first.',
  },
  'ROW-E113': {
    exit: 2,
    cause: 'The state cannot be imported.',
    remedy: 'Use a file written by "rowferry state export". To replace existing state, add --replace.',
  },
  'ROW-E114': {
    exit: 5,
    cause: 'The command was interrupted before it finished.',
    remedy: 'Run the command again; a task continues from its checkpoint.',
  },
  'ROW-E115': {
    exit: 1,
    cause: 'Some tables of the task have stopped and are no longer kept up to date. The others are.',
    remedy: 'Follow the instructions for each stopped table; "rowferry status" lists them.',
  },
  'ROW-E116': {
    exit: 3,
    cause: 'Another program answers in place of the engine. It received nothing.',
    remedy: 'End the process named in the message, and find out what started it.',
  },
  'ROW-E117': {
    exit: 3,
    cause: 'The newest precheck of the task no longer proposes this statement.',
    remedy: 'Run the precheck again, and look at what it proposes now.',
  },
  'ROW-E118': {
    exit: 3,
    cause: 'The trial MySQL could not be downloaded, unpacked or started.',
    remedy:
      'Connect this machine to the internet and try again, or use a MySQL that you have: enter its address, or start one in a container.',
  },
  'ROW-V101': {
    exit: 4,
    cause: 'A value does not fit its destination type.',
    remedy: 'Change the type of the column (STRING always fits), then retry the record.',
  },
  'ROW-V102': {
    exit: 4,
    cause: 'A row exceeds a Tablestore limit.',
    remedy: 'Exclude the column, or skip the record.',
  },
  'ROW-V103': {
    exit: 4,
    cause: 'Tablestore rejected the row.',
    remedy: "Check the service's error code, fix the mapping or the table, then retry the record.",
  },
  'ROW-V104': {
    exit: 4,
    cause: 'A key value cannot be used as a Tablestore key.',
    remedy: 'Choose other key columns, or skip the record.',
  },
  'ROW-V105': {
    exit: 4,
    cause: 'The task is waiting for a decision on dirty records (rows that could not be written).',
    remedy:
      'Review them with "rowferry dirty list" or in the Dirty Data panel, then retry, skip or discard them. The task continues automatically.',
  },

  'ROW-V106': {
    exit: 4,
    cause: 'The transformation failed on a row.',
    remedy: 'Correct the ETL script for these rows, then retry the record.',
  },
  'ROW-V107': {
    exit: 4,
    cause: 'MySQL cannot evaluate the filter on a row.',
    remedy: 'Correct the filter, or the row at the source, then retry the record.',
  },
} as const satisfies Record<string, ErrorDefinition>;

export type ErrorCode = keyof typeof errorCodes;

/** The one error class of the product. `message` says what happened, `remedy` what to do; neither holds a secret. */
export class RowferryError extends Error {
  override readonly name = 'RowferryError';
  readonly code: ErrorCode;
  readonly remedy: string;

  constructor(code: ErrorCode, message: string, options: { remedy?: string; cause?: unknown } = {}) {
    const stacks = Error as unknown as { stackTraceLimit?: number };
    const { stackTraceLimit: limit = 10 } = stacks;
    // What is wrong with a row is told of each row, and nobody asks where: the stack would take longest.
    if (code.startsWith('ROW-V')) stacks.stackTraceLimit = 0;
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    stacks.stackTraceLimit = limit;
    this.code = code;
    this.remedy = options.remedy ?? errorCodes[code].remedy;
  }

  get exitCode(): ExitCode {
    return errorCodes[this.code].exit;
  }

  /** The form that crosses a process boundary; fromPlain() gives the error back. */
  toPlain(): PlainError {
    return { code: this.code, message: this.message, remedy: this.remedy };
  }

  static fromPlain(plain: PlainError): RowferryError {
    return new RowferryError(plain.code, plain.message, { remedy: plain.remedy });
  }
}

export interface PlainError {
  code: ErrorCode;
  message: string;
  remedy: string;
}
