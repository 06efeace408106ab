// npm run workbench [-- --port N]: VS Code in the browser with the extension in it, on the demo's shop, until Ctrl+C.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readArguments, readPort } from './arguments.mjs';
import { build, fail, install } from './prepare.mjs';

const folder = mkdtempSync(path.join(tmpdir(), 'rowferry-workbench-'));
const say = (text) => console.log(text);
const stops = [() => rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })];
const stopAll = async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
};
try {
  const { values } = readArguments('npm run workbench [-- --port N]', { port: { type: 'string' } });
  const port = values.port === undefined ? undefined : readPort(values.port);
  await install();
  await build();
  // Only now are the libraries there that they import.
  const { startDemo } = await import('./demo/servers.mjs');
  const { startWorkbenchServer } = await import('./workbench-server.mjs');
  const stage = await startDemo({ folder, say });
  stops.push(stage.stop);
  const workbench = await startWorkbenchServer({
    home: path.join(folder, 'home'),
    workspace: path.dirname(stage.taskFile),
    ...(port === undefined ? {} : { port }),
    env: stage.environment,
    say,
  });
  stops.push(workbench.stop);
  console.log(`\nOpen ${workbench.url} and choose Rowferry in the activity bar. Ctrl+C ends everything.`);
  await new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, resolve);
    void workbench.exited.then(resolve);
  });
  await stopAll();
  process.exit(0);
} catch (error) {
  await stopAll();
  fail(error);
}
