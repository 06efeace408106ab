import { fileURLToPath } from 'node:url';
import { runCli } from './app.js';

declare const ROWFERRY_VERSION: string;

// node:sqlite is experimental on Node 22; people need not read that.
const warnings = process.listeners('warning');
process.removeAllListeners('warning');
process.on('warning', (warning) => {
  if (warning.name !== 'ExperimentalWarning') for (const listener of warnings) listener(warning);
});

// A launcher that was killed must not leave a command behind that nobody sees.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));

const code = await runCli({
  argv: process.argv.slice(2),
  environment: process.env,
  cwd: process.cwd(),
  l10n: new URL('../../l10n/', import.meta.url),
  engineScript: fileURLToPath(new URL('./engine.mjs', import.meta.url)),
  version: ROWFERRY_VERSION,
});
// A pipe may still have to take what was printed.
process.stdout.write('', () => process.exit(code));
