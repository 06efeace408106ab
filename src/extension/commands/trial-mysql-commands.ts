import * as vscode from 'vscode';
import { RowferryError } from '../../shared/errors.js';
import type { InstallProgress } from '../../trial-mysql/install.js';
import { asRowferryError, confirmed, inform, showError } from '../base/notifications.js';
import type { Log } from '../base/log.js';
import { trialMysqlName, type TrialMysql } from '../connections/trial-mysql.js';
import type { TaskFiles } from '../tasks/task-files.js';
import type { TaskService } from '../tasks/task-service.js';
import type { Commands } from './register.js';

/** One line that gives people a MySQL where they have containers. */
const container =
  'docker run -d --name rowferry-mysql -p 3306:3306 -e MYSQL_ALLOW_EMPTY_PASSWORD=yes mysql:8.4';

export interface TrialMysqlContext {
  trial: TrialMysql;
  files: TaskFiles;
  service: TaskService;
  log: Log;
}

/**
 * Asks whether to download a MySQL for trying, and does it; where there is none for this machine, or it cannot be had, says
 * so and what else does. `enterAddress`: what people can do who have a MySQL somewhere. True when it is installed then.
 */
export async function offerTrialMysql(
  { trial, log }: Pick<TrialMysqlContext, 'trial' | 'log'>,
  enterAddress: () => unknown,
): Promise<boolean> {
  const { t } = vscode.l10n;
  const instead = [
    { title: t('Enter Address'), run: enterAddress },
    { title: t('Copy Docker Command'), run: copyDockerCommand },
  ];
  const { debianArchitecture, trialMysqlSize } = await import('../../trial-mysql/install.js');
  if (!debianArchitecture()) {
    const said = await inform(
      t(
        'A trial MySQL can be downloaded on Linux only (x64 or arm64): enter the address of a MySQL that you have, or start one in a container.',
      ),
      ...instead.map(({ title }) => title),
    );
    await instead.find(({ title }) => title === said)?.run();
    return false;
  }
  if (!trial.isInstalled) {
    const download = t('Download');
    const answer = await vscode.window.showInformationMessage(
      t('Download a MySQL for trying?'),
      {
        modal: true,
        detail: t(
          'Rowferry downloads {0} MB of packages from Debian, verifies Debian’s signature, and unpacks them into {2}, where they take {1} MB. This MySQL listens on this machine only (127.0.0.1) and ends with Rowferry. “Rowferry: Remove Trial MySQL” deletes all of it.',
          trialMysqlSize.download,
          trialMysqlSize.disk,
          trial.folder,
        ),
      },
      download,
      instead[1]!.title,
    );
    if (answer === instead[1]!.title) await copyDockerCommand();
    if (answer !== download) return false;
  }
  try {
    await install(trial);
    return true;
  } catch (thrown) {
    const error = asRowferryError(thrown);
    if (!(error instanceof RowferryError) || error.code !== 'ROW-E118') throw error;
    showError(log, 'trialMysql', error, ...instead);
    return false;
  }
}

async function copyDockerCommand(): Promise<void> {
  await vscode.env.clipboard.writeText(container);
  void inform(
    vscode.l10n.t('Copied. Run the command in a terminal with Docker, then try again: {0}', container),
  );
}

/** Throws CancellationError when the person cancels; nothing is left then. */
function install(trial: TrialMysql): Thenable<void> {
  const { t } = vscode.l10n;
  const options = {
    location: vscode.ProgressLocation.Notification,
    title: t('Trial MySQL'),
    cancellable: true,
  };
  return vscode.window.withProgress(options, async (progress, token) => {
    const controller = new AbortController();
    token.onCancellationRequested(() => controller.abort(new vscode.CancellationError()));
    let shown = 0;
    const megabytes = (bytes: number) => Math.round(bytes / 1e6);
    const show = (now: InstallProgress | 'preparing') => {
      if (now === 'preparing') {
        progress.report({ message: t('preparing its data') });
        return;
      }
      const { doing, done, total } = now;
      // The bar is for both halves.
      const percent = ((doing === 'unpacking' ? 1 : 0) + Math.min(1, done / total)) * 50;
      progress.report({
        message:
          doing === 'unpacking'
            ? t('unpacking')
            : t('downloading, {0} of {1} MB', megabytes(done), megabytes(total)),
        increment: Math.max(0, percent - shown),
      });
      shown = Math.max(shown, percent);
    };
    await trial.install(show, controller.signal);
  });
}

export function trialMysqlCommands({ trial, files, service }: TrialMysqlContext): Commands {
  const { t } = vscode.l10n;
  const thereIsNone = () => inform(t('There is no trial MySQL.'));
  return {
    'trialMysql.stop': async () => {
      if (!trial.isInstalled) return void thereIsNone();
      await trial.stop();
      void inform(t('The trial MySQL has stopped. It starts again when something uses it.'));
    },
    'trialMysql.remove': async () => {
      if (!trial.isInstalled) return void thereIsNone();
      const isMeant = await confirmed(
        t('Remove the trial MySQL and its data?'),
        t(
          'This deletes {0}, the connection {1} and its password. Tasks that use it stop; their files stay.',
          trial.folder,
          trialMysqlName,
        ),
        t('Remove'),
        t('Keep'),
      );
      if (!isMeant) return;
      await files.ready;
      for (const file of files.all) {
        const source = file.task?.source;
        const snapshot = service.snapshotOf(file);
        if (snapshot && source && 'connection' in source && source.connection === trialMysqlName)
          await service.stop(snapshot.id);
      }
      await trial.remove();
      void inform(t('The trial MySQL and its data are removed.'));
    },
  };
}
