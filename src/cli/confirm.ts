import { createInterface } from 'node:readline/promises';
import { flag, usageError, type CliContext, type Values } from './command.js';

export const yesOption = { yes: { type: 'boolean' } } as const;
export const yesHelp = { '--yes': 'do not ask for confirmation' };

/**
 * Has a person said yes to what was just shown? `--yes` says it; on a terminal it is asked. Throws ROW-T104 where
 * nobody can be asked.
 */
export async function confirmed(
  { terminal, interrupted }: CliContext,
  values: Values,
  question: string,
  command: string,
): Promise<boolean> {
  if (flag(values, 'yes')) return true;
  if (!terminal.interactive || !process.stdin.isTTY)
    throw usageError('Nothing was changed. To confirm, pass --yes.', command);
  return ask(question, interrupted);
}

/** Asks a person at the terminal; an interruption is a no. */
export async function ask(question: string, interrupted: AbortSignal): Promise<boolean> {
  const asking = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^(y(es)?|是)$/i.test(
      (await asking.question(`${question} [y/N] `, { signal: interrupted })).trim(),
    );
  } catch {
    return false;
  } finally {
    asking.close();
  }
}
