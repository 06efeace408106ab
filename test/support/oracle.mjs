// npm run exactness | filter-oracle | ddl-oracle [-- --seed N --minutes N]: what the product does against what MySQL says.
import path from 'node:path';
import { requireNode } from './node.mjs';
import { environment, execute, fail, install } from './prepare.mjs';

try {
  await install();
  const bench = path.join(import.meta.dirname, 'bench.mjs');
  process.exitCode = await execute(requireNode(), [bench, ...process.argv.slice(2)], { env: environment() });
} catch (error) {
  fail(error);
}
