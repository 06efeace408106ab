import { isEmptyPlan } from '../../shared/change-plan.js';
import { RowferryError, type PlainError } from '../../shared/errors.js';
import type { CheckReport } from '../../shared/check-report.js';
import type { ClientApi, RunOutcome, StartOptions } from '../../shared/engine-api.js';
import type { TaskSnapshot } from '../../shared/snapshot.js';
import { isEveryTableStopped, stoppedTables } from '../../shared/stopped-tables.js';
import type { ResolvedTask } from '../../shared/task.js';
import { sameTuning, tuningOf } from '../../shared/tuning.js';
import type { EngineConnection } from '../../engine/ipc/client.js';
import { reportLines } from '../check-report.js';
import {
  flag,
  taskArgument,
  text,
  usageError,
  type CliContext,
  type Command,
  type Values,
} from '../command.js';
import { interruption, jsonOption, stateHelp, stateOption, withEngine } from '../engine.js';
import { count, duration } from '../figures.js';
import type { LoadedTask } from '../load-task.js';
import {
  isWorking,
  latency,
  loadedText,
  retryText,
  snapshotLines,
  statusObject,
  stoppedLines,
  stoppedObjects,
  stoppedText,
  throttleText,
} from '../progress.js';
import { MetricsServer } from '../metrics.js';
import type { Terminal } from '../terminal.js';
import { stillTrustedTask, trustedTask, trustHelp, trustOptions } from '../trust.js';
import { watchTask } from '../watch-task.js';
import { t } from '../words.js';
import { planLines } from './apply.js';

export const run: Command = {
  name: 'run',
  summary: 'synchronize: create tables, load rows, then replicate changes',
  usage:
    'TASK [--until full|caught-up] [--trust-file] [--state DIR] [--yes] [--json] [--metrics [HOST:]PORT] [--metrics-hosts NAMES]',
  help: [
    'Checks the task, creates the tables, loads the existing rows, then replicates the binlog until interrupted. Started again with the same state folder, it continues from its checkpoint.',
    'On SIGINT (Ctrl+C) or SIGTERM, it finishes the writes in progress and saves the checkpoint. Exits with 0; with 5 when the goal of --until was not reached; with 1 when it was reached except for stopped tables. A second signal quits immediately; this loses nothing either.',
    'Rowferry watches the task file: throttle, threads, concurrency, buckets, queue size and class take effect within a second of saving. When the objects change, it shows the plan and applies it with --yes or with rowferry apply.',
    'When a row cannot be written and "dirtyData" is "block", it exits with 4. Decide on the record, then run the task again.',
  ],
  options: {
    until: { type: 'string' },
    metrics: { type: 'string' },
    'metrics-hosts': { type: 'string' },
    ...trustOptions,
    ...stateOption,
    ...jsonOption,
  },
  optionHelp: {
    '--until full': 'stop when the full load is complete',
    '--until caught-up': 'stop when everything the source had at the start is applied',
    '--yes': 'apply changed objects as soon as the task file is saved',
    '--json': 'print one JSON object per line on stdout: status every second, then the result',
    '--metrics [HOST:]PORT':
      'serve Prometheus metrics at /metrics and health at /healthz; HOST defaults to 127.0.0.1',
    '--metrics-hosts NAMES':
      'further host names under which --metrics answers, separated by commas; * for any. Default: HOST and names of this machine',
    ...trustHelp,
    ...stateHelp,
  },
  examples: [
    'rowferry run orders.rowferry.json',
    'rowferry run orders.rowferry.json --until caught-up --json',
  ],
  async run(context, values, positionals) {
    const options = startOptions(values);
    const loaded = await trustedTask(context, values, taskArgument('run', positionals), {
      keepsId: true,
    });
    const metrics = await startMetrics(values);
    try {
      return await follow(context, values, loaded, options, metrics);
    } finally {
      metrics?.close();
    }
  },
};

function startOptions(values: Values): StartOptions {
  const until = text(values, 'until');
  if (until === undefined) return {};
  if (until !== 'full' && until !== 'caught-up')
    throw usageError('--until must be full or caught-up.', 'run');
  return { until };
}

/** `9100` or `0.0.0.0:9100`. */
async function startMetrics(values: Values): Promise<MetricsServer | undefined> {
  const wanted = text(values, 'metrics');
  if (wanted === undefined) {
    if (text(values, 'metrics-hosts') !== undefined)
      throw usageError('--metrics-hosts needs --metrics.', 'run');
    return undefined;
  }
  const match = /^(?:(.+):)?(\d{1,5})$/.exec(wanted);
  if (!match || Number(match[2]) > 65_535) throw usageError('--metrics must be PORT or HOST:PORT.', 'run');
  const metrics = new MetricsServer();
  const hosts = (text(values, 'metrics-hosts') ?? '').split(',').map((name) => name.trim());
  await metrics.listen(
    Number(match[2]),
    match[1]?.replace(/^\[(.*)\]$/, '$1'),
    hosts.filter((name) => name !== ''),
  );
  return metrics;
}

async function follow(
  context: CliContext,
  values: Values,
  { task, file }: LoadedTask,
  options: StartOptions,
  metrics: MetricsServer | undefined,
): Promise<number> {
  const { terminal, interrupted } = context;
  const view = new RunView(terminal, flag(values, 'json'));
  /** Ends of runs of this task, by their numbers: an earlier one may end while ours begins. */
  const ends = new Map<number, RunOutcome>();
  let told = () => {};
  /** Before that, what is told of the task may be how its last run ended. */
  let started = false;
  let blocked: PlainError | undefined;
  const events: Partial<ClientApi> = {
    snapshot: (tasks) => {
      const mine = tasks.find(({ id }) => id === task.id);
      if (!mine || (!started && mine.state !== 'starting')) return;
      metrics?.see(mine);
      view.show(mine);
      // A person has to decide: the run ends by itself, resumable.
      if (started && mine.state === 'blocked')
        blocked ??= mine.error ?? new RowferryError('ROW-V105', 'A row cannot be written.').toPlain();
    },
    ended: (id, outcome, run) => {
      if (id !== task.id) return;
      ends.set(run, outcome);
      told();
    },
  };
  // Interrupted, it ends in order: what is under way is written first.
  return withEngine({ ...context, interrupted: null }, values, events, async (engine) => {
    const stop = () => void engine.api.stop(task.id).catch(() => {});
    interrupted.addEventListener('abort', stop);
    if (interrupted.aborted) throw interruption();
    let run: number;
    try {
      run = await engine.api.start(task, file, options);
    } catch (error) {
      const explained = error instanceof RowferryError && error.code === 'ROW-E102';
      if (explained) view.failedCheck(await engine.api.lastCheck(task.id));
      throw error;
    }
    started = true;
    // Interrupted while an earlier run came to its end: only that one was stopped.
    if (interrupted.aborted) stop();
    const unwatch = watchTask(
      file,
      task,
      () => stillTrustedTask(context, values, file).task,
      (before, now) => saved(engine, terminal, before, now, flag(values, 'yes')),
      (text) => terminal.note(text),
    );
    const ended = new Promise<RunOutcome>((settle) => {
      told = () => {
        const outcome = ends.get(run);
        if (outcome) settle(outcome);
      };
      told();
    });
    const outcome = await Promise.race([
      ended,
      engine.closed.then((crash): RunOutcome => {
        if (crash) throw crash;
        return { state: 'stopped', reached: false };
      }),
    ]).finally(unwatch);
    const error = blocked ?? outcome.error;
    const final = (await engine.api.snapshots().catch(() => [])).find(({ id }) => id === task.id);
    const isShort = options.until !== undefined && !outcome.reached;
    view.end(outcome, final, options.until);
    if (error) throw RowferryError.fromPlain(error);
    if (isShort) {
      throw new RowferryError(
        'ROW-E114',
        `${task.name} was stopped ${options.until === 'full' ? 'before the full load was complete' : 'before it caught up'}.`,
      );
    }
    const stopped = options.until !== undefined && final ? stoppedTables(final) : [];
    if (stopped.length > 0)
      throw new RowferryError(
        'ROW-E115',
        `${task.name}: stopped tables are no longer kept up to date: ${stopped.map(({ source }) => source).join(', ')}.`,
      );
    return 0;
  });
}

/** The task file was saved while its task runs here. What is said goes to stderr: stdout is the run's. */
async function saved(
  engine: EngineConnection,
  terminal: Terminal,
  before: ResolvedTask,
  now: ResolvedTask,
  isConfirmed: boolean,
): Promise<void> {
  if (!sameTuning(before, now)) {
    await engine.api.tune(now.id, tuningOf(now));
    terminal.note(t('{0}: the throttle, write settings and class of its file are now in effect.', now.name));
  }
  if (JSON.stringify(before.objects) === JSON.stringify(now.objects)) return;
  const plan = await engine.api.planChanges(now);
  for (const line of planLines(plan, terminal)) terminal.note(line);
  if (isEmptyPlan(plan) || plan.problems.length > 0) return;
  if (!isConfirmed) {
    terminal.note(t('Nothing has changed yet. To apply the changes, run rowferry apply.'));
    return;
  }
  await engine.api.applyChanges(now);
  terminal.note(t('{0}: started applying the changes.', now.name));
}

/** What a person, or a script, sees of a run. */
class RunView {
  readonly #began = Date.now();
  #printedAt = 0;
  #printed = '';

  constructor(
    private readonly terminal: Terminal,
    private readonly json: boolean,
  ) {}

  show(snapshot: TaskSnapshot): void {
    if (this.json) {
      this.terminal.print(JSON.stringify(statusObject(snapshot)));
    } else if (this.terminal.interactive) {
      this.terminal.draw(snapshotLines(snapshot, this.terminal));
    } else {
      // A log wants changes and, now and then, a sign of life.
      const what = whatOf(snapshot);
      if (what === this.#printed && Date.now() - this.#printedAt < 10_000) return;
      this.#printed = what;
      this.#printedAt = Date.now();
      this.terminal.print(plainLine(snapshot));
    }
  }

  failedCheck(report: CheckReport | null): void {
    if (!report) return;
    if (this.json) this.terminal.print(JSON.stringify({ type: 'check', ...report }));
    else {
      // Somebody who runs a task wants to know what keeps it from running; "check" shows the rest.
      const results = report.results.filter(
        (r) => r.status === 'fail' || (r.status === 'warning' && !r.ignored),
      );
      for (const line of reportLines({ ...report, results }, this.terminal)) this.terminal.print(line);
    }
  }

  /** `until`: the goal of the run. */
  end(outcome: RunOutcome, snapshot: TaskSnapshot | undefined, until: StartOptions['until']): void {
    if (this.json) {
      if (snapshot) this.terminal.print(JSON.stringify(statusObject(snapshot)));
      const { reached = false, ...how } = outcome;
      this.terminal.print(
        JSON.stringify({ type: 'end', ...how, ...(until && { reached }), ...stoppedPart(snapshot) }),
      );
      return;
    }
    if (this.terminal.interactive && snapshot) {
      this.terminal.draw(snapshotLines(snapshot, this.terminal));
      this.terminal.settle();
    } else if (snapshot && whatOf(snapshot) !== this.#printed) {
      this.terminal.print(plainLine(snapshot));
    }
    const reached = outcome.reached && snapshot ? endOf(snapshot, until) : undefined;
    const how = (outcome.state === 'stopped' && reached) || t(outcome.state);
    if (until && snapshot)
      for (const line of stoppedLines(snapshot, this.terminal)) this.terminal.print(line);
    this.terminal.print(capital(t('{0} after {1}.', how, duration(Date.now() - this.#began))));
  }
}

/** What is news to a log. */
const whatOf = (snapshot: TaskSnapshot) =>
  `${snapshot.state} ${snapshot.phase} ${stoppedTables(snapshot).length} ${snapshot.retry?.error.message ?? ''}`;

/** A goal that tables have stopped before is not said to be reached without them. */
function endOf(snapshot: TaskSnapshot, until: StartOptions['until']): string | undefined {
  if (until === undefined) return undefined;
  if (stoppedTables(snapshot).length === 0) return until === 'full' ? t('loaded') : t('caught up');
  if (isEveryTableStopped(snapshot)) return undefined;
  return until === 'full' ? t('the other tables are loaded') : t('the other tables are caught up');
}

function stoppedPart(snapshot: TaskSnapshot | undefined): { stoppedTables?: Record<string, unknown>[] } {
  const stopped = snapshot ? stoppedObjects(snapshot) : [];
  return stopped.length > 0 ? { stoppedTables: stopped } : {};
}

function plainLine(snapshot: TaskSnapshot): string {
  const { rows } = snapshot;
  const stopped = stoppedTables(snapshot).length > 0;
  return [
    `${snapshot.name}: ${stopped ? `${stoppedText(snapshot)} · ` : ''}${t(snapshot.state)}`,
    t(snapshot.phase),
    ...(snapshot.phase === 'precheck' || snapshot.phase === 'none'
      ? []
      : [
          loadedText(snapshot),
          [
            t('inserted {0}', count(rows.inserted)),
            t('updated {0}', count(rows.updated)),
            t('deleted {0}', count(rows.deleted)),
          ].join(', '),
        ]),
    ...(isWorking(snapshot)
      ? [
          t('{0} rows/s', count(snapshot.rowsPerSecond)),
          ...(snapshot.phase === 'incremental' ? [latency(snapshot)] : []),
          ...(snapshot.throttle ? [throttleText(snapshot.throttle)] : []),
        ]
      : []),
    ...(snapshot.retry ? [retryText(snapshot, snapshot.retry)] : []),
    ...(snapshot.dirty > 0 ? [t('dirty {0}', count(snapshot.dirty))] : []),
  ].join(' · ');
}

const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);
