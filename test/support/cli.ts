import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
let built = false;

/** The command as people start it, from the sources as they are now. */
export function cliScript(): string {
  if (!built) {
    const made = spawnSync(process.execPath, ['esbuild.js'], { cwd: root, encoding: 'utf8' });
    if (made.status !== 0) throw new Error(`the build failed:\n${made.stdout}${made.stderr}`);
    built = true;
  }
  return join(root, 'dist/cli.js');
}

export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunningCommand {
  readonly child: ChildProcess;
  readonly ended: Promise<Finished>;
  /** JSON objects printed so far. */
  lines(): Record<string, unknown>[];
  /** Settles when a line of JSON is as wanted; throws when the command ends or time runs out before. */
  until(wanted: (line: Record<string, unknown>) => boolean, what: string, timeoutMs?: number): Promise<void>;
}

/** Starts `rowferry …args`. The environment holds little besides what is given. */
export function startCli(
  args: readonly string[],
  options: { cwd: string; env?: Record<string, string>; stdin?: 'pipe' },
): RunningCommand {
  const child = spawn(process.execPath, [cliScript(), ...args], {
    cwd: options.cwd,
    env: {
      PATH: process.env['PATH'],
      HOME: options.cwd,
      ROWFERRY_LATE_WRITE_MS: process.env['ROWFERRY_LATE_WRITE_MS'],
      ...options.env,
    },
    stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  let over = false;
  const ended = new Promise<Finished>((settle) =>
    child.once('close', (code) => {
      over = true;
      settle({ code, stdout, stderr });
    }),
  );
  const lines = () =>
    stdout
      .split('\n')
      .slice(0, -1)
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return {
    child,
    ended,
    lines,
    async until(wanted, what, timeoutMs = 30_000) {
      const deadline = Date.now() + timeoutMs;
      for (;;) {
        if (lines().some(wanted)) return;
        if (over || Date.now() > deadline) {
          throw new Error(`${over ? 'ended' : 'waited'} without ${what}:\n${stdout.slice(-2000)}\n${stderr}`);
        }
        await new Promise((r) => setTimeout(r, 30));
      }
    },
  };
}

export function cli(
  args: readonly string[],
  options: { cwd: string; env?: Record<string, string> },
): Promise<Finished> {
  return startCli(args, options).ended;
}
