// npm run demo [-- --keep]: from a bare clone to a MySQL that is kept in sync, watched and verified. Runs on Node 20.
import { build, fail, install } from './prepare.mjs';

try {
  await install();
  await build();
  // Only now are the libraries there that it imports.
  const { demo } = await import('./demo/main.mjs');
  process.exit(await demo(process.argv.slice(2)));
} catch (error) {
  fail(error);
}
