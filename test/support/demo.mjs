// npm run demo [-- --keep]: from a bare clone to a MySQL that is kept in sync, watched and verified. Runs on Node 20.
import { readArguments } from './arguments.mjs';
import { build, fail, install } from './prepare.mjs';

try {
  const { values } = readArguments('npm run demo [-- --keep]', { keep: { type: 'boolean', default: false } });
  await install();
  await build();
  // Only now are the libraries there that it imports.
  const { demo } = await import('./demo/main.mjs');
  process.exit(await demo(values));
} catch (error) {
  fail(error);
}
