import { parseArgs } from 'node:util';
import { RowferryError, type PlainError } from '../shared/errors.js';
import { nearest } from '../shared/nearest.js';
import { usageError, type CliContext, type Command, type Options } from './command.js';
import { openTerminal, pad, wrap, type Terminal } from './terminal.js';
import { commands } from './commands/index.js';
import { languageOf, languages, retell, speak, t, type Language } from './words.js';

const common: Options = { help: { type: 'boolean', short: 'h' }, debug: { type: 'boolean' } };

export interface Invocation {
  argv: readonly string[];
  environment: NodeJS.ProcessEnv;
  cwd: string;
  engineScript: string;
  /** Folder of the sentences in other languages. */
  l10n: URL;
  version: string;
}

/** Runs one command and returns the exit code of the command-line contract. Errors are reported here. */
export async function runCli(invocation: Invocation): Promise<number> {
  const terminal = openTerminal(process.stdout, process.stderr, invocation.environment);
  const debug = invocation.argv.includes('--debug');
  const interrupted = onSignals(terminal);
  // Before anything is said: what follows may be an error.
  const { argv, lang } = takeLanguage(invocation.argv);
  speak(languageOf(isLanguage(lang) ? lang : undefined, invocation.environment), invocation.l10n);
  try {
    if (lang !== undefined && !isLanguage(lang))
      throw usageError(`--lang must be ${languages.join(' or ')}.`);
    return await dispatch({ ...invocation, argv }, { terminal, debug, interrupted, ...invocation });
  } catch (error) {
    return report(error, terminal, debug, invocation.argv.includes('--json'));
  }
}

/** The arguments without `--lang`, which may stand anywhere, and what it says. */
function takeLanguage(argv: readonly string[]): { argv: string[]; lang?: string } {
  const at = argv.findIndex((one) => one === '--lang' || one.startsWith('--lang='));
  if (at < 0) return { argv: [...argv] };
  const isOne = argv[at] !== '--lang';
  const lang = isOne ? argv[at]!.slice('--lang='.length) : (argv[at + 1] ?? '');
  return { argv: argv.filter((_, i) => i !== at && (isOne || i !== at + 1)), lang };
}

const isLanguage = (lang: string | undefined): lang is Language => languages.some((one) => one === lang);

async function dispatch(invocation: Invocation, context: CliContext): Promise<number> {
  const { terminal } = context;
  const [first, ...rest] = invocation.argv.filter((argument) => argument !== '--debug');
  if (first === '--version' || first === '-v') {
    terminal.print(invocation.version);
    return 0;
  }
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    const named = rest.length > 0 ? findCommand(rest[0]!) : undefined;
    for (const line of named ? commandHelp(named, terminal) : overview(terminal)) terminal.print(line);
    return first === undefined ? 2 : 0;
  }
  if (first.startsWith('-')) throw usageError(`${first} is not a valid option here; put the command first.`);
  const command = findCommand(first);
  const { values, positionals } = parse(command, rest);
  if (values['help'] === true) {
    for (const line of commandHelp(command, terminal)) terminal.print(line);
    return 0;
  }
  return command.run(context, values, positionals);
}

function findCommand(name: string): Command {
  const command = commands.find((c) => c.name === name);
  if (command) return command;
  const meant = nearest(
    name,
    commands.map((c) => c.name),
  );
  throw usageError(`There is no command "${name}".${meant ? ` Did you mean "${meant}"?` : ''}`);
}

function parse(command: Command, args: string[]) {
  try {
    return parseArgs({
      args,
      options: { ...command.options, ...common },
      allowPositionals: true,
      strict: true,
    });
  } catch (error) {
    const code = (error as { code?: string }).code ?? '';
    if (!code.startsWith('ERR_PARSE_ARGS')) throw error;
    if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
      const known = Object.keys(command.options);
      const given =
        args.find((a) => a.startsWith('-') && !known.includes(a.replace(/^--?/, '').split('=')[0]!)) ?? '';
      const meant = nearest(given.replace(/^--?/, '').split('=')[0]!, known);
      throw usageError(
        `${command.name} has no option ${given}.${meant ? ` Did you mean --${meant}?` : ''}`,
        command.name,
      );
    }
    throw usageError((error as Error).message.split('. ')[0]!.replace(/\.?$/, '.'), command.name);
  }
}

/**
 * Two lines on stderr: what happened, what to do; the stack only with --debug. With `json` the same as an object on
 * stdout, since whoever reads that reads nothing else. Returns the exit code.
 */
export function report(error: unknown, terminal: Terminal, debug: boolean, json = false): number {
  const { style } = terminal;
  terminal.settle();
  if (json)
    terminal.print(JSON.stringify({ type: 'error', ...plainError(error), exitCode: exitCode(error) }));
  if (error instanceof RowferryError) {
    terminal.note(`${style.red(error.code)} ${retell(error.message)}`);
    terminal.note(retell(error.remedy));
  } else {
    const message = error instanceof Error ? error.message : String(error);
    terminal.note(`${style.red('ROW-E107')} ${retell(`Internal error: ${message}`)}`);
    terminal.note(t('Run the command again with --debug and report the output.'));
  }
  if (debug && error instanceof Error) terminal.note(error.stack ?? '');
  return exitCode(error);
}

const exitCode = (error: unknown): number => (error instanceof RowferryError ? error.exitCode : 3);

function plainError(error: unknown): PlainError {
  if (error instanceof RowferryError) return error.toPlain();
  const { message } = error instanceof Error ? error : { message: String(error) };
  return new RowferryError('ROW-E107', `Internal error: ${message}`).toPlain();
}

function onSignals(terminal: Terminal): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(signal === 'SIGINT' ? 130 : 143);
      if (terminal.interactive) terminal.note(t('Stopping; press Ctrl+C again to quit immediately.'));
      controller.abort(signal);
    });
  }
  // Whoever read our output has gone: end as if interrupted.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') controller.abort('EPIPE');
  });
  process.stderr.on('error', () => {});
  return controller.signal;
}

function overview(terminal: Terminal): string[] {
  const { style } = terminal;
  const width = Math.max(...commands.map((c) => c.name.length));
  const room = Math.min(terminal.width, 110);
  return [
    ...wrap(
      t(
        'rowferry keeps Alibaba Cloud Tablestore in sync with MySQL: it creates the tables, loads the rows, then replicates every INSERT, UPDATE and DELETE.',
      ),
      room,
    ),
    '',
    `${style.bold(pad(t('Usage'), 5))}  rowferry COMMAND [TASK] [options]`,
    `       ${t('TASK is a task file, NAME.rowferry.json.')}`,
    '',
    style.bold(t('Commands')),
    ...commands.map((c) => `  ${c.name.padEnd(width)}  ${t(c.summary)}`),
    '',
    style.bold(t('Everywhere')),
    `  -h, --help     ${t('show help for a command')}`,
    `      --debug    ${t('show stack traces')}`,
    `      --lang     ${t('en or zh-cn; default: the language of the locale')}`,
    `  -v, --version  ${t('show the version')}`,
    '',
    ...wrap(
      t(
        'Exit codes: 0 success, 1 a check failed or rows differ, 2 invalid command line or task file, 3 the source or destination is unreachable or refused access, 4 blocked by dirty data, 5 interrupted before it finished.',
      ),
      room,
    ),
  ];
}

function commandHelp(command: Command, terminal: Terminal): string[] {
  const { style } = terminal;
  const help = {
    ...command.optionHelp,
    '-h, --help': 'show this help',
    '--debug': 'show stack traces',
    '--lang LANGUAGE': 'en or zh-cn; default: the language of the locale',
  };
  const width = Math.max(...Object.keys(help).map((o) => o.length));
  const room = Math.min(terminal.width, 100);
  return [
    `${style.bold(pad(t('Usage'), 5))}  rowferry ${command.name} ${command.usage}`,
    ...command.help.flatMap((paragraph) => ['', ...wrap(t(paragraph), room)]),
    '',
    style.bold(t('Options')),
    ...Object.entries(help).flatMap(([option, text]) =>
      wrap(t(text), room - width - 4).map((line, i) => `  ${(i === 0 ? option : '').padEnd(width)}  ${line}`),
    ),
    ...(command.examples ? ['', style.bold(t('Examples')), ...command.examples.map((e) => `  ${e}`)] : []),
  ];
}
