import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startCli, type Finished, type RunningCommand } from '../support/cli.js';
import { within } from './within.js';

/** What `status --json` says, as far as it is looked at. */
interface Status {
  state: string;
  retry?: { error: { code: string } };
  error?: { code: string };
  tables?: StoppedTable[];
}
interface StoppedTable {
  source: string;
  phase: string;
  problem?: { code: string; message: string };
}

/** A task of the chaos: its file, its state folder and, while a round lasts, the command that runs it. */
export class Task {
  private run: RunningCommand | undefined;
  private over = false;
  /** Its state was taken away: what it then needs to be right again is in docs/guarantees.md. */
  isStateLost = false;
  /** Its binlog may have been purged under it: ROW-S104 is what it has to say then. */
  mayBePurged = false;

  constructor(
    /** Also the account of its sessions and its state folder. */
    readonly name: string,
    readonly file: string,
    readonly folder: string,
    private readonly env: Record<string, string>,
  ) {}

  get state(): string {
    return join(this.folder, this.name);
  }

  get path(): string {
    return join(this.folder, this.file);
  }

  command(...args: string[]): RunningCommand {
    return startCli([args[0]!, this.file, '--state', this.name, ...args.slice(1)], {
      cwd: this.folder,
      env: this.env,
    });
  }

  /** Of the engine of its state folder; between two engines there is none. */
  enginePid(): number | undefined {
    try {
      return (JSON.parse(readFileSync(join(this.state, 'engine.json'), 'utf8')) as { pid: number }).pid;
    } catch {
      return undefined;
    }
  }

  signalEngine(signal: NodeJS.Signals): boolean {
    const pid = this.enginePid();
    try {
      return pid !== undefined && process.kill(pid, signal);
    } catch {
      return false;
    }
  }

  /** SIGKILL, and waits until it is gone: then its files are still. */
  async killEngine(): Promise<void> {
    const pid = this.enginePid();
    if (!this.signalEngine('SIGKILL')) return;
    for (let left = 100; left > 0 && existsSync(`/proc/${pid}`); left--) await delay(50);
  }

  loseState(): void {
    for (const name of readNames(this.state))
      rmSync(join(this.state, name), { recursive: true, force: true });
    this.isStateLost = true;
  }

  copyState(to: string): void {
    rmSync(to, { recursive: true, force: true });
    cpSync(this.state, to, { recursive: true });
  }

  restoreState(from: string): void {
    for (const name of readNames(this.state))
      rmSync(join(this.state, name), { recursive: true, force: true });
    cpSync(from, this.state, { recursive: true });
  }

  /** The command that runs it just now. */
  get running(): RunningCommand {
    return this.run!;
  }

  begin(): void {
    this.over = false;
    const run = (this.run = this.command('run', '--json'));
    void run.ended.then(() => {
      if (this.run === run) this.over = true;
    });
  }

  /** Begins anew when the command has ended. Throws when it ended with what no fault explains: 0 and 3 alone are. */
  async keepUp(): Promise<void> {
    if (!this.over) return;
    const finished = await within(60, 'the end of the run', this.run!.ended);
    const isReset = await this.explain(finished);
    const { code, stderr } = finished;
    if (code !== null && code !== 0 && code !== 3 && !isReset)
      throw new Error(`the run of ${this.name} ended with ${code}: ${stderr}`);
    this.begin();
  }

  async end(): Promise<void> {
    this.run!.child.kill('SIGTERM');
    await within(60, 'the end of the run', this.run!.ended);
  }

  async status(): Promise<Status | undefined> {
    const { stdout } = await this.command('status', '--json').ended;
    const line = stdout.split('\n').findLast((one) => one.startsWith('{'));
    return line === undefined ? undefined : (JSON.parse(line) as Status);
  }

  /** Whether it says so within this time. */
  async says(seconds: number, wanted: (status: Status) => boolean): Promise<boolean> {
    const deadline = Date.now() + seconds * 1000;
    for (;;) {
      const status = await this.status();
      if (status && wanted(status)) return true;
      if (Date.now() > deadline) return false;
      await delay(300);
    }
  }

  /** Brings it to the end of the binlog, doing what its messages ask a person for. */
  async settle(): Promise<{ isGood: boolean; text: string; details: string }> {
    const catchUp = async () => {
      const run = () =>
        within(300, 'catching up', this.command('run', '--until', 'caught-up', '--json').ended);
      const finished = await run();
      return (await this.explain(finished)) ? run() : finished;
    };
    let last = await catchUp();
    const stopped = stoppedTables(last.stdout);
    for (const { source, problem } of stopped) {
      console.log(`  ${source} had stopped: ${problem?.message}`);
      await this.reload(source, problem?.code);
    }
    if (stopped.length > 0) last = await catchUp();
    if (this.isStateLost) {
      await this.command('reload').ended;
      last = await catchUp();
      await this.command('verify', '--repair').ended;
      this.isStateLost = false;
    }
    const verify = await within(300, 'verify', this.command('verify').ended);
    const dirty = await this.command('dirty', 'list').ended;
    return {
      isGood: last.code === 0 && verify.code === 0,
      text: `${this.name}: run ${last.code}, verify ${verify.code}`,
      details: [last.stderr, verify.stdout.slice(-3000), verify.stderr, dirty.stdout.slice(0, 2000)].join(
        '\n',
      ),
    };
  }

  /** As the message of a table that stopped asks for. */
  async reload(table: string, code?: string): Promise<void> {
    const remake = code === 'ROW-D110' || code === 'ROW-D106' ? ['--remake', '--yes'] : [];
    const { code: exit, stderr } = await this.command('reload', '--table', table, ...remake).ended;
    if (exit !== 0) console.log(`    the reload of ${table} ended with ${exit}: ${stderr.trim()}`);
  }

  /** Tells why a run ended. True when it was purged and is reset: it can be run again. */
  private async explain({ code, stderr }: Finished): Promise<boolean> {
    if (code === null || code === 0) return false;
    console.log(`    ${this.name} ended with ${code}: ${stderr.trim()}`);
    if (stderr.includes('ROW-S104') && this.mayBePurged) {
      const { code: reset, stderr: why } = await this.command('reset').ended;
      if (reset !== 0) throw new Error(`the reset after a purge ended with ${reset}: ${why}`);
      this.mayBePurged = false;
      return true;
    }
    return false;
  }
}

function readNames(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function stoppedTables(stdout: string): StoppedTable[] {
  const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
  const last = lines.map((line) => JSON.parse(line) as Partial<Status>).findLast((line) => line.tables);
  return (last?.tables ?? []).filter((table) => table.problem);
}
