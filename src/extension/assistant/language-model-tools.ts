import * as vscode from 'vscode';
import { Assistant } from '../../assistant/assistant.js';
import type { Answer, Call, Plan, Tool } from '../../assistant/base/tool.js';
import { Confirmations } from '../../assistant/confirmations.js';
import { toolPrefix } from '../../assistant/names.js';
import { tools } from '../../assistant/tools/index.js';
import type { ContributedTool } from './contributed-tool.js';
import { editorHost, type AssistantContext } from './host.js';

/** The tools of the editor's language models. What changes something is confirmed by the person before it runs. */
export class LanguageModelTools {
  private readonly assistant: Assistant;
  private readonly confirmations = new Confirmations();

  constructor(context: AssistantContext) {
    this.assistant = new Assistant(editorHost(context));
  }

  async prepare(contributed: ContributedTool, input: object): Promise<vscode.PreparedToolInvocation> {
    const tool = toolOf(contributed);
    const { task } = input as { task?: unknown };
    const { displayName } = contributed;
    const invocationMessage = plain(typeof task === 'string' ? `${displayName}: ${task}` : displayName);
    const plan = tool.plan && (await this.planned(tool, input));
    if (!plan || 'answer' in plan) return { invocationMessage };
    this.confirmations.told(tool, input, plan.says);
    return { invocationMessage, confirmationMessages: { title: displayName, message: plain(plan.says) } };
  }

  async invoke(
    contributed: ContributedTool,
    input: object,
    token: vscode.CancellationToken,
  ): Promise<vscode.LanguageModelToolResult> {
    const tool = toolOf(contributed);
    const aborting = new AbortController();
    const listening = token.onCancellationRequested(() => aborting.abort());
    const call = { signal: aborting.signal, progress: () => {} };
    try {
      const { content } = tool.plan
        ? await this.assistant.reply(() => this.confirmed(tool, input, call))
        : await this.assistant.call(tool, input, call);
      return new vscode.LanguageModelToolResult([
        new vscode.LanguageModelTextPart(JSON.stringify(content, null, 1)),
      ]);
    } finally {
      listening.dispose();
    }
  }

  /** Undefined: it cannot be done, which the call itself tells. */
  private async planned(tool: Tool, input: object): Promise<Plan | undefined> {
    try {
      return await this.assistant.plan(tool, input);
    } catch (error) {
      if (error instanceof vscode.CancellationError) throw error;
      return undefined;
    }
  }

  /** Carries it out when what a person agreed to is what would be done now. */
  private async confirmed(tool: Tool, input: object, call: Call): Promise<Answer> {
    const plan = await this.assistant.plan(tool, input);
    if ('answer' in plan) return plan.answer;
    if (this.confirmations.take(tool, input, plan.says)) return this.assistant.run(tool, input, call);
    return {
      summary: 'Nothing has been done: what would be done has changed since the person confirmed.',
      next: ['Call it again; the person is asked again.'],
    };
  }
}

function toolOf({ name }: ContributedTool): Tool {
  const tool = tools.find((one) => toolPrefix + one.name === name);
  if (!tool) throw new Error(`package.json contributes ${name}, which is no tool`);
  return tool;
}

/** Names come from files and databases: they are shown as text, never as markdown. */
const plain = (text: string) => new vscode.MarkdownString().appendText(text);
