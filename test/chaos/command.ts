import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';

export interface Command {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

/** `rowferry …args` as it is built in dist/. */
export function startCommand(args: readonly string[], cwd: string, env: Record<string, string>): Command {
  const child = spawn(process.execPath, [join(process.cwd(), 'dist/cli.js'), ...args], {
    cwd,
    env: { PATH: process.env['PATH'], HOME: cwd, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout = (stdout + text).slice(-200_000)));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((settle) =>
    child.once('close', (code) => settle({ code, stdout, stderr })),
  );
  return { child, ended };
}
