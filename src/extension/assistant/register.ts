import { existsSync } from 'node:fs';
import * as vscode from 'vscode';
import type { ContributedTool } from './contributed-tool.js';
import type { AssistantContext } from './host.js';
import type { LanguageModelTools } from './language-model-tools.js';

/** What the editor starts as an MCP server: the command line, on the engine of this window. */
export interface AssistantServer {
  cliScript: string;
  stateDir: string;
  version: string;
  /** The person's own tasks. */
  ownFolder: vscode.Uri;
}

/** Offers the tools to the editor's language models, by their names alone: code is loaded with the first call. */
export function registerAssistant(
  context: AssistantContext,
  contributed: readonly ContributedTool[],
  server: AssistantServer,
): vscode.Disposable {
  let loading: Promise<LanguageModelTools> | undefined;
  const tools = () => {
    loading ??= import('./language-model-tools.js').then((loaded) => new loaded.LanguageModelTools(context));
    return loading;
  };
  return vscode.Disposable.from(
    ...contributed.map((tool) =>
      vscode.lm.registerTool<object>(tool.name, {
        prepareInvocation: async ({ input }) => (await tools()).prepare(tool, input),
        invoke: async ({ input }, token) => (await tools()).invoke(tool, input, token),
      }),
    ),
    registerServer(server),
  );
}

function registerServer({ cliScript, stateDir, version, ownFolder }: AssistantServer): vscode.Disposable {
  const changed = new vscode.EventEmitter<void>();
  return vscode.Disposable.from(
    changed,
    vscode.workspace.onDidChangeWorkspaceFolders(() => changed.fire()),
    vscode.workspace.onDidGrantWorkspaceTrust(() => changed.fire()),
    vscode.lm.registerMcpServerDefinitionProvider('rowferry', {
      onDidChangeMcpServerDefinitions: changed.event,
      provideMcpServerDefinitions() {
        const folders = (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri);
        const local = [...folders, ownFolder].filter(
          ({ scheme, fsPath }) => scheme === 'file' && existsSync(fsPath),
        );
        // Tasks of a folder that is not trusted are not run, by nobody.
        if (local.length === 0 || !vscode.workspace.isTrusted) return [];
        const args = [cliScript, 'mcp', ...local.map(({ fsPath }) => fsPath), '--state', stateDir];
        const environment: Record<string, string> = process.versions['electron']
          ? { ELECTRON_RUN_AS_NODE: '1' }
          : {};
        const definition = new vscode.McpStdioServerDefinition(
          'Rowferry',
          process.execPath,
          args,
          environment,
          version,
        );
        definition.cwd = local[0]!;
        return [definition];
      },
    }),
  );
}
