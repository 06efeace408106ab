import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { usageError, type Command } from '../command.js';
import { stateHelp, stateOption } from '../engine.js';
import { t } from '../words.js';

export const mcp: Command = {
  name: 'mcp',
  summary: 'serve the tools for an AI assistant over stdio (Model Context Protocol)',
  usage: '[FOLDER…] [--state DIR]',
  help: [
    'Lets an AI assistant list tasks, show their status, run prechecks, explain error codes, look at dirty rows and previews, and verify; and start, stop, apply, retry, reload and repair after a person has confirmed. Register it with the assistant as the command "rowferry mcp"; the assistant starts and ends it.',
    'It uses the task files below the given folders (default: the current one) and no others. Passwords, keys and values of rows are never told: values are replaced by their kind and length. A task that would send a variable of the environment to a server for the first time is refused until a person has confirmed it with "rowferry check".',
  ],
  options: { ...stateOption },
  optionHelp: { ...stateHelp },
  examples: ['rowferry mcp', 'rowferry mcp ~/tasks --state ~/.rowferry'],
  async run(context, values, positionals) {
    const folders = positionals.length > 0 ? positionals : ['.'];
    for (const folder of folders) {
      if (!statSync(resolve(context.cwd, folder), { throwIfNoEntry: false })?.isDirectory())
        throw usageError(`${folder} is not a folder.`, 'mcp');
    }
    if (process.stdin.isTTY) {
      context.terminal.note(
        t('This command is started by an AI assistant and waits for its messages. Ctrl+C ends it.'),
      );
    }
    const { serveMcp } = await import('../mcp/serve.js');
    return serveMcp(context, values, folders);
  },
};
