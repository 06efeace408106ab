// npm run filter-oracle [-- --seed N --minutes N]: random filters against MySQL's own WHERE.
import path from 'node:path';
import { requireNode } from './node.mjs';
import { environment, execute, fail, install } from './prepare.mjs';

try {
  await install();
  const bench = path.join(import.meta.dirname, 'bench.mjs');
  const args = [bench, 'filter-oracle', ...process.argv.slice(2)];
  process.exitCode = await execute(requireNode(), args, { env: environment() });
} catch (error) {
  fail(error);
}
