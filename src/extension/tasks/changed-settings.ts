import * as vscode from 'vscode';
import type { ChangePlan } from '../../shared/change-plan.js';
import { changePlanWords } from '../../shared/change-plan-words.js';
import { applyAtOnce, changedAtOnce } from '../../shared/changed-settings.js';
import type { ResolvedTask } from '../../shared/task.js';
import { tunableKeys } from '../../shared/tuning.js';
import { retell } from '../base/retell.js';
import type { EngineSession } from '../engine/session.js';
import type { TaskService } from './task-service.js';

interface Planned {
  task: ResolvedTask;
  plan: ChangePlan;
  /** What a person is told of the plan. */
  words: string;
}

/** What is done about a task that runs with other settings than its file has. */
export class ChangedSettings {
  constructor(
    private readonly session: EngineSession,
    private readonly service: TaskService,
  ) {}

  /** Shows what the file would change, and asks what to do. Nothing changes before the answer. */
  async show(uri: vscode.Uri, planned?: Planned): Promise<void> {
    const { t } = vscode.l10n;
    const { task, plan, words } = planned ?? (await this.plan(uri));
    const { name } = task;
    const apply = t('Apply');
    const restart = t('Restart');
    const isBlocked = plan.problems.length > 0;
    const restartOnly = isBlocked || changedAtOnce(plan, this.service.differences(uri)).length === 0;
    const offered = restartOnly ? [restart] : plan.atNextStart.length > 0 ? [apply, restart] : [apply];
    const chosen = await vscode.window.showInformationMessage(
      isBlocked
        ? t('{0} cannot be changed while it runs.', name)
        : t('Change {0} while it is running?', name),
      { modal: true, detail: words },
      ...offered,
    );
    if (chosen === restart) await this.restart(uri);
    if (chosen !== apply) return;
    // The file may have changed while the question stood there: what is carried out is what was shown.
    const now = await this.plan(uri);
    if (now.words !== words) await this.show(uri, now);
    else await this.carryOut(uri, now);
  }

  /** Takes over what a running task can take; asks first where that loads tables again, stops one or takes one out. */
  async apply(uri: vscode.Uri): Promise<void> {
    const planned = await this.plan(uri);
    const { plan } = planned;
    const { changed, removed, unfit = [], problems } = plan;
    const isGentle = changed.length + removed.length + unfit.length + problems.length === 0;
    if (isGentle && changedAtOnce(plan, this.service.differences(uri)).length > 0)
      await this.carryOut(uri, planned);
    else await this.show(uri, planned);
  }

  async restart(uri: vscode.Uri): Promise<void> {
    // What cannot be started again goes on as it is: a file that is wrong, a secret that nobody enters.
    await this.service.resolve(uri);
    const id = this.service.snapshotAt(uri)?.id;
    if (id !== undefined) await this.service.stop(id);
    await vscode.commands.executeCommand('rowferry.task.start', { uri, stays: true });
  }

  private async plan(uri: vscode.Uri): Promise<Planned> {
    const task = await this.service.resolve(uri);
    const engine = await this.session.engine();
    const plan = await engine.planChanges(task);
    // Those of the resolved task are not in the file: a person knows only what the file says.
    const tuned = this.service.differences(uri).filter((key) => tunableKeys.has(key));
    const words = changePlanWords(plan, tuned, vscode.l10n.t, vscode.env.language, retell);
    return { task, plan, words };
  }

  private async carryOut(uri: vscode.Uri, { task, plan }: Planned): Promise<void> {
    const { t } = vscode.l10n;
    await applyAtOnce(await this.session.engine(), task, plan, this.service.differences(uri));
    vscode.window.setStatusBarMessage(t('{0}: applying the changes.', task.name), 5000);
  }
}
