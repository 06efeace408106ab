import * as vscode from 'vscode';
import { formatShort } from '../../shared/format.js';
import type { ChangePlan, MappingChange } from '../../shared/change-plan.js';
import { tuningOf } from '../../shared/tuning.js';
import type { EngineSession } from '../engine/session.js';
import type { TaskService } from './task-service.js';

/** What is done about a task that runs with other settings than its file has. */
export class ChangedSettings {
  constructor(
    private readonly session: EngineSession,
    private readonly service: TaskService,
  ) {}

  /** Shows what the file would change, and asks what to do. Nothing changes before the answer. */
  async show(uri: vscode.Uri): Promise<void> {
    const { t } = vscode.l10n;
    const { name, plan, words } = await this.plan(uri);
    const apply = t('Apply');
    const restart = t('Restart');
    const isBlocked = plan.problems.length > 0;
    const restartOnly = isBlocked || !isAtOnce(plan, this.service.differences(uri));
    const offered = restartOnly ? [restart] : plan.atNextStart.length > 0 ? [apply, restart] : [apply];
    const chosen = await vscode.window.showInformationMessage(
      isBlocked
        ? t('{0} cannot be changed while it runs.', name)
        : t('Change {0} while it is running?', name),
      { modal: true, detail: words },
      ...offered,
    );
    if (chosen === restart) await this.restart(uri);
    // The file may have changed while the question stood there: what is carried out is what was shown.
    else if (chosen === apply && (await this.plan(uri)).words !== words) await this.show(uri);
    else if (chosen === apply) await this.carryOut(uri);
  }

  /** Takes over what a running task can take; asks first where that loads tables again, stops one or takes one out. */
  async apply(uri: vscode.Uri): Promise<void> {
    const { plan } = await this.plan(uri);
    const { changed, removed, unfit = [], problems } = plan;
    const isGentle = changed.length + removed.length + unfit.length + problems.length === 0;
    if (isGentle && isAtOnce(plan, this.service.differences(uri))) await this.carryOut(uri);
    else await this.show(uri);
  }

  async restart(uri: vscode.Uri): Promise<void> {
    const id = this.service.snapshotAt(uri)?.id;
    if (id !== undefined) await this.service.stop(id);
    await vscode.commands.executeCommand('rowferry.task.start', { uri, stays: true });
  }

  private async plan(uri: vscode.Uri): Promise<{ name: string; plan: ChangePlan; words: string }> {
    const task = await this.service.resolve(uri);
    const engine = await this.session.engine();
    const plan = await engine.planChanges(task);
    // Those of the resolved task are not in the file: a person knows only what the file says.
    const words = planWords(plan, this.tuned(uri));
    return { name: task.name, plan, words };
  }

  private async carryOut(uri: vscode.Uri): Promise<void> {
    const { t } = vscode.l10n;
    const task = await this.service.resolve(uri);
    const engine = await this.session.engine();
    if (this.tuned(uri).length > 0) await engine.tune(task.id, tuningOf(task));
    if (this.service.differences(uri).includes('objects')) await engine.applyChanges(task);
    vscode.window.setStatusBarMessage(t('{0}: applying the changes.', task.name), 5000);
  }

  private tuned(uri: vscode.Uri): string[] {
    return this.service.differences(uri).filter((key) => tunable.has(key));
  }
}

const tunable: ReadonlySet<string> = new Set(['throttle', 'write', 'class', 'audit']);

/** Is there something that needs no restart? */
function isAtOnce({ atNextStart }: ChangePlan, differences: readonly string[]): boolean {
  return differences.some((key) => (key === 'objects' || tunable.has(key)) && !atNextStart.includes(key));
}

function planWords(plan: ChangePlan, atOnce: readonly string[]): string {
  const { added, changed, removed, unfit = [], problems, atNextStart, reloadedAtNextStart = [] } = plan;
  const { t } = vscode.l10n;
  const what: Record<MappingChange, string> = {
    table: t('destination table changed'),
    filter: t('filter changed'),
    key: t('key changed'),
    columns: t('columns changed'),
    transformation: t('transformation changed'),
  };
  const rows = (count: number) => formatShort(count, vscode.env.language);
  const now = atOnce.filter((key) => !atNextStart.includes(key));
  const lines = [
    ...added.map((one) =>
      t(
        'Add {0} → {1}: load about {2} rows, then replicate changes.',
        one.source,
        one.destination,
        rows(one.estimatedRows),
      ),
    ),
    ...changed.map((one) =>
      t(
        'Reload {0} → {1}, about {2} rows: {3}.',
        one.source,
        one.destination,
        rows(one.estimatedRows),
        one.what.map((change) => what[change]).join(', '),
      ),
    ),
    ...removed.map((one) =>
      t('{0} is no longer replicated; {1} in Tablestore stays.', one.source, one.destination),
    ),
    ...unfit.map((one) => t('{0} will stop: {1}', one.source, one.message)),
    ...problems,
    ...(now.length > 0 ? [t('Takes effect immediately: {0}.', now.join(', '))] : []),
    ...(atNextStart.length > 0 ? [t('Takes effect at the next start: {0}.', atNextStart.join(', '))] : []),
    ...reloadedAtNextStart.map((source) => t('The next start reloads {0}.', source)),
  ];
  const most = 20;
  return lines.length <= most
    ? lines.join('\n')
    : [...lines.slice(0, most), t('and {0} more', lines.length - most)].join('\n');
}
