import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import type { CallToolResult, ServerNotification, ServerRequest } from '@modelcontextprotocol/sdk/types.js';
import * as z from 'zod';
import { Assistant, type Reply } from '../../assistant/assistant.js';
import type { Answer, Call, Tool, ToolHost } from '../../assistant/base/tool.js';
import { Confirmations } from '../../assistant/confirmations.js';
import { tools } from '../../assistant/tools/index.js';

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

const instructions =
  'Rowferry replicates MySQL tables to Alibaba Cloud Tablestore. Begin with list_tasks. Values of rows are masked: kind and length only. A tool that changes something first says what it would do; show that to the person, and call it again with confirm: true only after they agreed.';

const confirmParameter = z
  .boolean()
  .optional()
  .describe(
    'Leave it out at first: the answer says what would happen. True only after a person has agreed to exactly that.',
  );

/** The tools over MCP. Nothing changes before a person was told what: by the client where it can ask, else by the model. */
export function mcpServer(host: ToolHost, version: string): McpServer {
  const server = new McpServer({ name: 'rowferry', title: 'Rowferry', version }, { instructions });
  const assistant = new Assistant(host);
  const confirmations = new Confirmations();

  for (const tool of tools) {
    const { name, title, description, effect } = tool;
    server.registerTool(
      name,
      {
        title,
        description,
        inputSchema: tool.plan ? tool.parameters.extend({ confirm: confirmParameter }) : tool.parameters,
        annotations: {
          title,
          readOnlyHint: effect === 'reads',
          destructiveHint: effect === 'destroys',
          openWorldHint: false,
        },
      },
      async (given: Record<string, unknown>, extra: Extra) => {
        const { confirm, ...parameters } = given;
        const call = callOf(extra);
        if (!tool.plan) return resultOf(await assistant.call(tool, parameters, call));
        return resultOf(await assistant.reply(() => confirmed(tool, parameters, confirm === true, call)));
      },
    );
  }

  /** Carries it out when the plan was agreed to; else tells the plan. */
  async function confirmed(tool: Tool, parameters: object, confirm: boolean, call: Call): Promise<Answer> {
    const plan = await assistant.plan(tool, parameters);
    if ('answer' in plan) return plan.answer;
    const { says } = plan;
    const asked = await askPerson(says, call.signal);
    if (asked === 'no')
      return { summary: 'The person did not agree, or did not answer. Nothing has been done.' };
    if (asked === 'yes') {
      // The file may have changed while the question stood there.
      const now = await assistant.plan(tool, parameters);
      if ('answer' in now || now.says !== says)
        return {
          summary: 'What would be done has changed since the person was asked. Nothing has been done.',
        };
      return assistant.run(tool, parameters, call);
    }
    if (confirm && confirmations.take(tool, parameters, says)) return assistant.run(tool, parameters, call);
    confirmations.told(tool, parameters, says);
    return {
      summary: `Nothing has been done yet. ${says}`,
      data: { needsConfirmation: true, wouldDo: says },
      next: [
        `Show this to the person. When they agree, call ${tool.name} again with the same parameters and confirm: true.`,
      ],
    };
  }

  /** Through the client, where it has a way to; the model has no part in it. */
  async function askPerson(message: string, signal: AbortSignal): Promise<'yes' | 'no' | 'nobody'> {
    if (!server.server.getClientCapabilities()?.elicitation) return 'nobody';
    try {
      const { action, content } = await server.server.elicitInput(
        {
          message,
          requestedSchema: {
            type: 'object',
            properties: { confirm: { type: 'boolean', title: 'Do it', default: false } },
            required: ['confirm'],
          },
        },
        { signal, timeout: patienceMs },
      );
      return action === 'accept' && content?.['confirm'] === true ? 'yes' : 'no';
    } catch {
      // A client that can ask is the only way to a person: whoever does not answer has not agreed.
      return 'no';
    }
  }
  return server;
}

/** How long a person may think. */
const patienceMs = 15 * 60_000;

function callOf({ signal, sendNotification, _meta }: Extra): Call {
  const progressToken = _meta?.progressToken;
  let step = 0;
  return {
    signal,
    progress(_done, _of, message) {
      if (progressToken === undefined) return;
      // Tables come one after the other, each from 0: only the number of messages always grows.
      const params = { progressToken, progress: ++step, message };
      void sendNotification({ method: 'notifications/progress', params }).catch(() => {});
    },
  };
}

function resultOf({ isError, content }: Reply): CallToolResult {
  return {
    content: [{ type: 'text', text: JSON.stringify(content, null, 1) }],
    structuredContent: content,
    ...(isError && { isError }),
  };
}
