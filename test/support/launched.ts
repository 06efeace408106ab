import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cliScript } from './cli.js';

/**
 * Starts `rowferry …args` under a Node that says it is too old, so that a launcher hands over to a child; kills the launcher
 * as soon as the child has said something. Gives whether the child is gone within 15 s. Linux only.
 */
export async function childEndsWithLauncher(folder: string, ...args: string[]): Promise<boolean> {
  const older = join(folder, 'older-node.cjs');
  writeFileSync(
    older,
    `if (process.argv[1].endsWith('cli.js')) Object.defineProperty(process, 'version', { value: 'v20.0.0' });`,
  );
  const launcher = spawn(process.execPath, ['-r', older, cliScript(), ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((settle) => launcher.once('exit', settle));
  await Promise.race([new Promise((settle) => launcher.stdout.once('data', settle)), ended]);
  const child = readFileSync(`/proc/${launcher.pid}/task/${launcher.pid}/children`, 'utf8').trim();
  if (!/^\d+$/.test(child)) throw new Error(`the launcher has no child: "${child}"`);
  launcher.kill('SIGKILL');
  await ended;
  launcher.stdout.destroy();
  const isThere = () =>
    existsSync(`/proc/${child}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${child}/status`, 'utf8'));
  for (let left = 150; left > 0; left--) {
    if (!isThere()) return true;
    await delay(100);
  }
  process.kill(Number(child), 'SIGKILL');
  return false;
}
