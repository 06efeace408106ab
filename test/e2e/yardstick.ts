import { mkdtempSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/**
 * What activation is measured by. How long an extension takes says as much about the machine, and about what else it
 * does at that moment, as about the extension: the same code took 45, 100 and 280 ms on one machine. So a second extension is
 * activated by the same event in the same process, whose code is always the same: functions that are compiled, and
 * objects that are made, as loading a bundle does. What is compared is the two.
 */

/** Its work, in functions of 1.5 KB. This many took 100 to 150 ms where the test was written, on a quiet machine. */
const functions = 800;

/** Makes the extension in a new folder within `home` and returns the folder. */
export function makeYardstick(home: string): string {
  const folder = mkdtempSync(path.join(home, 'yardstick-'));
  writeFileSync(
    path.join(folder, 'package.json'),
    JSON.stringify({
      name: 'yardstick',
      displayName: 'Yardstick',
      publisher: 'rowferry-tests',
      version: '1.0.0',
      main: './main.js',
      engines: { vscode: '^1.90.0' },
      extensionKind: ['workspace'],
      activationEvents: ['workspaceContains:**/*.rowferry.json'],
      capabilities: { untrustedWorkspaces: { supported: true } },
    }),
  );
  const fields = Array.from({ length: 40 }, (_, i) => `field${i}: [x, 'text ${i}', () => x + ${i}]`).join(
    ', ',
  );
  const code = Array.from(
    { length: functions },
    (_, n) => `const make${n} = (x) => ({ n: ${n}, ${fields} });`,
  );
  const calls = Array.from({ length: functions }, (_, n) => `make${n}(${n})`);
  writeFileSync(
    path.join(folder, 'main.js'),
    [...code, `const made = [${calls.join(', ')}];`, 'exports.activate = () => made.length;'].join('\n'),
  );
  return folder;
}
