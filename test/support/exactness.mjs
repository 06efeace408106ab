// npm run exactness [-- --seed N --minutes N]: whatever MySQL holds, by both roads, into the embedded Tablestore and back.
import path from 'node:path';
import { requireNode } from './node.mjs';
import { environment, execute, fail, install } from './prepare.mjs';

try {
  await install();
  const bench = path.join(import.meta.dirname, 'bench.mjs');
  const args = [bench, 'exactness', ...process.argv.slice(2)];
  process.exitCode = await execute(requireNode(), args, { env: environment() });
} catch (error) {
  fail(error);
}
