import { resolve } from 'node:path';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import type { CliContext, Values } from '../command.js';
import { commandLineHost } from './host.js';
import { mcpServer } from './server.js';

/** Serves MCP on stdin and stdout until stdin ends or a signal comes. This file and the SDK are loaded by `mcp` alone. */
export async function serveMcp(
  context: CliContext,
  values: Values,
  folders: readonly string[],
): Promise<number> {
  const { cwd, interrupted } = context;
  const { host, close } = commandLineHost(
    context,
    values,
    folders.map((folder) => resolve(cwd, folder)),
  );
  const server = mcpServer(host, context.version);
  const over = new Promise<void>((settle) => {
    const end = () => settle();
    process.stdin.once('end', end);
    process.stdin.once('close', end);
    interrupted.addEventListener('abort', end);
    if (interrupted.aborted) end();
  });
  await server.connect(new StdioServerTransport());
  await over;
  close();
  await server.close();
  return 0;
}
