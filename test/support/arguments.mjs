// What people type behind `npm run … --`.
import { parseArgs } from 'node:util';
import { SetupError } from './cache.mjs';

/**
 * The options of a script, read from `argv`. Throws SetupError, which names the usage.
 * @template {import('node:util').ParseArgsConfig['options']} O
 * @param {string} usage
 * @param {O} options
 */
export function readArguments(
  usage,
  options,
  { argv = process.argv.slice(2), allowPositionals = false } = {},
) {
  try {
    return parseArgs({ args: argv, options, allowPositionals });
  } catch (error) {
    throw new SetupError(`${error.message.split('. ')[0].replace(/\.?$/, '.')} Usage: ${usage}`);
  }
}

/** A port number. Throws SetupError. */
export function readPort(text) {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65535) return port;
  throw new SetupError(`--port must be a number from 1 to 65535, not "${text}".`);
}
