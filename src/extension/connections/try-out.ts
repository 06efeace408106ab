import * as vscode from 'vscode';
import { RowferryError } from '../../shared/errors.js';
import type { DestinationSettings, SourceSettings } from '../../shared/task.js';
import { asRowferryError, inform } from '../base/notifications.js';
import { retell } from '../base/retell.js';
import { adviceFor } from './advice.js';

export type Outcome = 'connected' | 'save' | 'change';

type Choice = vscode.QuickPickItem & { does?: 'again' | 'save' | 'change' };

/**
 * The last step of a connection dialogue: connects, and where that fails says what to try and asks how to go on.
 * `connect` gives the sentence of success. Throws CancellationError when the person leaves.
 */
export async function tryOut(
  title: string,
  settings: SourceSettings | DestinationSettings,
  connect: () => Promise<string>,
): Promise<Outcome> {
  const { t } = vscode.l10n;
  const list = vscode.window.createQuickPick<Choice>();
  list.title = `${title}: ${t('Test Connection')}`;
  list.ignoreFocusOut = true;
  let turn = 0;
  const attempt = async (): Promise<boolean> => {
    const mine = ++turn;
    list.busy = true;
    list.placeholder = t('Connecting…');
    list.items = [];
    try {
      void inform(await connect());
      return mine === turn;
    } catch (thrown) {
      if (mine !== turn) return false;
      const error = asRowferryError(thrown);
      list.placeholder = t('Connection failed. Choose what to do next.');
      list.items = choices(error, settings);
      list.activeItems = list.items.filter((item) => item.does === 'change');
      list.busy = false;
      return false;
    }
  };
  return new Promise<Outcome>((settle, fail) => {
    const begin = () =>
      void attempt().then((good) => {
        if (good) settle('connected');
      });
    list.onDidAccept(() => {
      const does = list.selectedItems[0]?.does;
      if (does === 'again') begin();
      else if (does !== undefined) settle(does);
    });
    list.onDidHide(() => {
      turn++;
      fail(new vscode.CancellationError());
    });
    list.show();
    begin();
  }).finally(() => list.dispose());
}

function choices(error: unknown, settings: SourceSettings | DestinationSettings): Choice[] {
  const { t } = vscode.l10n;
  const known = error instanceof RowferryError;
  const code = known ? error.code : '';
  const advice = adviceFor(code, settings, t, vscode.env.remoteName !== undefined);
  const remedy = known && advice.length === 0 ? retell(error.remedy) : '';
  return [
    {
      label: `$(error) ${plain(known ? retell(error.message) : String(error))}`,
      alwaysShow: true,
      ...(remedy === '' ? {} : { detail: remedy }),
    },
    ...(advice.length > 0 ? [{ label: t('What to try'), kind: vscode.QuickPickItemKind.Separator }] : []),
    ...advice.map(({ about, text }) => ({
      label: `$(lightbulb) ${about}`,
      detail: plain(text),
      alwaysShow: true,
    })),
    { label: '', kind: vscode.QuickPickItemKind.Separator },
    { label: `$(edit) ${t('Change the Settings')}`, does: 'change' as const, alwaysShow: true },
    { label: `$(refresh) ${t('Try Again')}`, does: 'again' as const, alwaysShow: true },
    { label: `$(save) ${t('Save Anyway')}`, does: 'save' as const, alwaysShow: true },
  ];
}

/** `$(…)` of a server or a file would be drawn as an icon. */
function plain(text: string): string {
  return text.replaceAll('$(', '$\u200b(');
}
