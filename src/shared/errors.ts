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
    cause: 'The MySQL server could not be reached.',
    remedy:
      'Check host and port, that the server runs, and that whitelists or security groups let this machine in.',
  },
  'ROW-S102': {
    exit: 3,
    cause: 'MySQL refused the account or its password.',
    remedy: 'Check the user and the password, and that the account exists and may connect from this machine.',
  },
  'ROW-S103': {
    exit: 3,
    cause: 'The account lacks a privilege.',
    remedy:
      'Grant the privilege that the message names. If a role of the account has it, make the role active: SET DEFAULT ROLE ALL TO ….',
  },
  'ROW-S104': {
    exit: 3,
    cause: 'The binlog position is no longer on the server.',
    remedy: 'Run a new full load, and keep binlogs longer.',
  },
  'ROW-S105': {
    exit: 3,
    cause: 'The server does not write a binlog that can be followed.',
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
    remedy: 'The task reconnects by itself; check the server if this lasts.',
  },
  'ROW-S108': {
    exit: 1,
    cause: 'A selected table or column does not exist.',
    remedy: 'Correct the name in the task file.',
  },
  'ROW-S109': {
    exit: 3,
    cause: 'The binlog holds an event that cannot be read safely.',
    remedy: 'Do what the message says; a new full load always helps.',
  },
  'ROW-S110': {
    exit: 3,
    cause: 'TLS with the source failed.',
    remedy: 'Check source.ssl and the certificate files.',
  },
  'ROW-S111': {
    exit: 3,
    cause: 'The source answered a query with an error.',
    remedy: 'Read the message of the server.',
  },
  'ROW-S112': {
    exit: 3,
    cause: 'The source was away for longer than the retry window.',
    remedy: 'Put right what the message names and start the task again: it goes on where it was.',
  },
  'ROW-S113': {
    exit: 3,
    cause: 'A change of a table at the source cannot be followed; the table stopped, the others go on.',
    remedy: 'Load that table anew.',
  },
  'ROW-S114': {
    exit: 3,
    cause: 'The server gives the account no further connection, or nothing more to ask, for now.',
    remedy:
      'Raise the limit that the message names, or close other connections; the task tries again by itself.',
  },
  'ROW-D101': {
    exit: 3,
    cause: 'The Tablestore endpoint could not be reached.',
    remedy: 'Check the endpoint, the network and that the instance allows access from it.',
  },
  'ROW-D102': {
    exit: 3,
    cause: 'Tablestore refused the access key pair.',
    remedy: 'Check the AccessKey ID, its secret and the clock of this machine.',
  },
  'ROW-D103': {
    exit: 3,
    cause: 'The instance does not exist at this endpoint.',
    remedy: 'Check the instance name and the region of the endpoint.',
  },
  'ROW-D104': {
    exit: 3,
    cause: 'The account may not do this.',
    remedy: 'Give the RAM user the permission that the message names.',
  },
  'ROW-D105': {
    exit: 1,
    cause: 'A destination table of that name exists.',
    remedy:
      'Rename the object, delete the table, or set "conflict" to "ignore"; then run "rowferry reload TASK" if this task made it with a state folder that is lost.',
  },
  'ROW-D106': {
    exit: 1,
    cause: 'The destination table has another key.',
    remedy:
      'Choose the same key columns, or have the destination table deleted and made anew: rowferry reload TASK --table DB.TABLE --remake.',
  },
  'ROW-D107': {
    exit: 1,
    cause: 'A name is not allowed in Tablestore.',
    remedy: 'Rename it: letters, digits and underscores, first no digit, at most 255 bytes.',
  },
  'ROW-D108': {
    exit: 3,
    cause: 'Tablestore answered with an error.',
    remedy: 'Read the message of the service.',
  },
  'ROW-D109': {
    exit: 3,
    cause: 'The retry window ended.',
    remedy: 'Put right what the message names and start the task again: it goes on where it was.',
  },
  'ROW-D110': {
    exit: 3,
    cause: 'A destination table was deleted in Tablestore; the table stopped, the others go on.',
    remedy: 'Have it made and loaded anew: rowferry reload TASK --table DB.TABLE --remake.',
  },
  'ROW-T101': { exit: 2, cause: 'The task file could not be read.', remedy: 'Check the path.' },
  'ROW-T102': {
    exit: 2,
    cause: 'The task file is not valid.',
    remedy: 'Correct the line that the message names.',
  },
  'ROW-T103': {
    exit: 2,
    cause: 'A variable of the environment is missing.',
    remedy: 'Set the variable that the message names.',
  },
  'ROW-T104': { exit: 2, cause: 'The command was used wrongly.', remedy: 'See rowferry --help.' },
  'ROW-T105': {
    exit: 2,
    cause: 'A named connection does not exist.',
    remedy: 'Add it, or name one that exists.',
  },
  'ROW-T106': {
    exit: 2,
    cause: 'What the task selects now cannot take the place of what it runs with.',
    remedy: 'Correct what the message names, and apply the changes again.',
  },
  'ROW-E101': {
    exit: 3,
    cause: 'Another process holds this state folder or this task.',
    remedy: 'Stop it, or use another --state folder.',
  },
  'ROW-E102': {
    exit: 1,
    cause: 'The precheck did not reach 100 %.',
    remedy: 'Mend the failed items, or accept warnings by their id in ignoredChecks.',
  },
  'ROW-E103': { exit: 3, cause: 'The port is in use.', remedy: 'Choose another port with --port.' },
  'ROW-E104': {
    exit: 3,
    cause: 'The engine ended unexpectedly.',
    remedy: 'Start the task again: it goes on where it was. The log says why it ended.',
  },
  'ROW-E105': {
    exit: 3,
    cause: 'The state folder cannot be used.',
    remedy: 'Check its permissions and free space, or name another with --state.',
  },
  'ROW-E106': { exit: 3, cause: 'Node.js is too old.', remedy: 'Install Node.js 22.15 or later.' },
  'ROW-E107': {
    exit: 3,
    cause: 'The engine met a defect of its own.',
    remedy: 'Start the task again: it goes on where it was. Please report it with a support bundle.',
  },
  'ROW-E108': {
    exit: 3,
    cause: 'The engine of this state folder is newer than this program.',
    remedy: 'Update Rowferry, or stop the other one first.',
  },
  'ROW-E109': {
    exit: 1,
    cause: 'The task is not known or not running here.',
    remedy: 'Start the task first, or name the --state folder it runs with.',
  },
  'ROW-E110': {
    exit: 3,
    cause: 'The data file of the embedded Tablestore is damaged, or belongs to another program.',
    remedy: 'Name another folder with --data, or put the file aside: it is never written to as it is.',
  },
  'ROW-E111': {
    exit: 1,
    cause: 'The comparison of source and destination was cancelled.',
    remedy: 'Start it again when it suits.',
  },
  'ROW-E112': {
    exit: 3,
    cause: 'The task runs, and this can only be done while it rests.',
    remedy: 'Stop it first.',
  },
  'ROW-E113': {
    exit: 2,
    cause: 'The state cannot be taken in.',
    remedy: 'Name a file that "rowferry state export" wrote; say --replace where something is kept already.',
  },
  'ROW-E114': {
    exit: 5,
    cause: 'The command was ended before it was through.',
    remedy: 'Run it again: a task goes on where it was.',
  },
  'ROW-E115': {
    exit: 1,
    cause: 'Tables of the task have stopped and are not kept up to date; the others are.',
    remedy: 'Do for each table what its message says; "rowferry status" shows them.',
  },
  'ROW-V101': {
    exit: 4,
    cause: 'A value does not fit its destination type.',
    remedy: 'Retype the column (STRING always fits), then retry the record.',
  },
  'ROW-V102': {
    exit: 4,
    cause: 'A row is beyond a limit of Tablestore.',
    remedy: 'Exclude the column, or skip the record.',
  },
  'ROW-V103': {
    exit: 4,
    cause: 'Tablestore refused the row.',
    remedy: 'Read the code of the service, mend the mapping or the table, then retry the record.',
  },
  'ROW-V104': {
    exit: 4,
    cause: 'A key value cannot be a Tablestore key.',
    remedy: 'Choose other key columns, or skip the record.',
  },
  'ROW-V105': {
    exit: 4,
    cause: 'The task waits for a decision on dirty records: rows that could not be written.',
    remedy:
      'Look at them with "rowferry dirty list" or in the Dirty Data panel, and retry, skip or discard them; the task then goes on by itself.',
  },

  'ROW-V106': {
    exit: 4,
    cause: 'The transformation failed on a row.',
    remedy: 'Correct the ETL script for such rows, then retry the record.',
  },
  'ROW-V107': {
    exit: 4,
    cause: 'MySQL cannot evaluate the filter on a row.',
    remedy: 'Correct the filter for such rows, or the row at the source, then retry the record.',
  },
} as const satisfies Record<string, ErrorDefinition>;

export type ErrorCode = keyof typeof errorCodes;

/** The one error class of the product. `message` says what happened, `remedy` what to do; neither holds a secret. */
export class RowferryError extends Error {
  override readonly name = 'RowferryError';
  readonly code: ErrorCode;
  readonly remedy: string;

  constructor(code: ErrorCode, message: string, options: { remedy?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
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
