import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { eventually } from './stage.js';

/** Another extension in the same window, which sees and calls the tools of the language models as an agent's would. */
export interface ToolCaller {
  /** To be put beside ours. */
  readonly folder: string;
  /** Descriptions of the tools whose names begin so, once there are any. */
  tools(prefix: string): Promise<{ name: string; description: string; inputSchema: object }[]>;
  /** Settles with the text of the answer; rejects with the message of what was thrown. */
  call(name: string, input: object): Promise<string>;
}

/** Requests and answers are files in `calls`: the one way in from a test. */
const code = `
const { readdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
const path = require('node:path');
const vscode = require('vscode');
const calls = path.join(__dirname, 'calls');
const answer = (name, value) => {
  writeFileSync(path.join(calls, name + '.part'), JSON.stringify(value));
  renameSync(path.join(calls, name + '.part'), path.join(calls, name + '.answer'));
};
exports.activate = () => setInterval(() => {
  for (const file of readdirSync(calls).filter((name) => name.endsWith('.request'))) {
    const { tool, input } = JSON.parse(readFileSync(path.join(calls, file), 'utf8'));
    renameSync(path.join(calls, file), path.join(calls, file + '.taken'));
    const name = path.basename(file, '.request');
    if (tool === undefined) {
      answer(name, { tools: vscode.lm.tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema })) });
      continue;
    }
    vscode.lm.invokeTool(tool, { input, toolInvocationToken: undefined }).then(
      ({ content }) => answer(name, { text: content.map((part) => part.value).join('') }),
      (error) => answer(name, { error: String(error && error.message || error) }),
    );
  }
}, 100);
`;

export function makeToolCaller(home: string): ToolCaller {
  const folder = mkdtempSync(path.join(home, 'tool-caller-'));
  const calls = path.join(folder, 'calls');
  mkdirSync(calls);
  writeFileSync(path.join(folder, 'main.js'), code);
  writeFileSync(
    path.join(folder, 'package.json'),
    JSON.stringify({
      name: 'tool-caller',
      publisher: 'rowferry-tests',
      version: '1.0.0',
      main: './main.js',
      engines: { vscode: '^1.101.0' },
      extensionKind: ['workspace'],
      activationEvents: ['*'],
    }),
  );
  let made = 0;
  const ask = async (request: object): Promise<Record<string, unknown>> => {
    const file = path.join(calls, `call-${++made}`);
    writeFileSync(`${file}.part`, JSON.stringify(request));
    renameSync(`${file}.part`, `${file}.request`);
    await eventually(() => {
      if (!existsSync(`${file}.answer`)) throw new Error(`no answer to ${JSON.stringify(request)}`);
      return Promise.resolve();
    }, 60_000);
    return JSON.parse(readFileSync(`${file}.answer`, 'utf8')) as Record<string, unknown>;
  };
  return {
    folder,
    async tools(prefix) {
      let found: { name: string; description: string; inputSchema: object }[] = [];
      await eventually(async () => {
        const { tools } = (await ask({})) as { tools: typeof found };
        found = tools.filter(({ name }) => name.startsWith(prefix));
        if (found.length === 0) throw new Error(`no tool of ${prefix} among ${tools.length}`);
      }, 60_000);
      return found;
    },
    async call(tool, input) {
      const { text, error } = await ask({ tool, input });
      if (typeof error === 'string') throw new Error(error);
      return text as string;
    },
  };
}
