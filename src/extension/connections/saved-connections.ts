import * as vscode from 'vscode';
import type { Connections } from '../../shared/connections.js';
import { connectionsFileName } from '../../shared/file-names.js';
import type { DestinationSettings, SourceSettings } from '../../shared/task.js';
import { Secrets } from '../base/secrets.js';

export type ConnectionKind = 'source' | 'destination';
export type Settings<K extends ConnectionKind> = K extends 'source' ? SourceSettings : DestinationSettings;

/** Stands in the file where the secret would be; never sent anywhere. */
const placeholder = '${secret}';

/**
 * The person's own connections: a file in the extension's folder without any secret, and the secrets in
 * SecretStorage under the connection's name.
 */
export class SavedConnections implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;
  private readonly file: vscode.Uri;

  constructor(
    private readonly folder: vscode.Uri,
    private readonly secrets: Secrets,
  ) {
    this.file = vscode.Uri.joinPath(folder, connectionsFileName);
  }

  /** Without secrets: the placeholder stands in their place. */
  async list(): Promise<Connections> {
    return (await readConnections(this.file)) ?? { sources: {}, destinations: {} };
  }

  /** Secrets included; undefined when there is no such connection. Memory only. */
  async resolve<K extends ConnectionKind>(kind: K, name: string): Promise<Settings<K> | undefined> {
    const all = await this.list();
    const found = kind === 'source' ? all.sources[name] : all.destinations[name];
    if (!found) return undefined;
    const secret = JSON.parse((await this.secrets.get(Secrets.connection(kind, name))) ?? '{}') as object;
    return { ...found, ...secret } as Settings<K>;
  }

  async save<K extends ConnectionKind>(kind: K, name: string, settings: Settings<K>): Promise<void> {
    const all = structuredClone(await this.list());
    if (kind === 'source') {
      const { password, ...rest } = settings as SourceSettings;
      await this.secrets.set(Secrets.connection(kind, name), JSON.stringify({ password }));
      all.sources[name] = { ...rest, password: password === '' ? '' : placeholder };
    } else {
      const { accessKeySecret, securityToken, ...rest } = settings as DestinationSettings;
      await this.secrets.set(
        Secrets.connection(kind, name),
        JSON.stringify({ accessKeySecret, securityToken }),
      );
      all.destinations[name] = { ...rest, accessKeySecret: placeholder, securityToken: null };
    }
    await this.write(all);
  }

  async delete(kind: ConnectionKind, name: string): Promise<void> {
    const all = structuredClone(await this.list());
    if (kind === 'source') delete all.sources[name];
    else delete all.destinations[name];
    await this.secrets.delete(Secrets.connection(kind, name));
    await this.write(all);
  }

  private async write(connections: Connections): Promise<void> {
    const { connectionsSchema } = await import('../../shared/connections.js');
    const checked = connectionsSchema.parse(connections);
    await vscode.workspace.fs.createDirectory(this.folder);
    await vscode.workspace.fs.writeFile(this.file, Buffer.from(`${JSON.stringify(checked, null, 2)}\n`));
    this.changed.fire();
  }

  dispose(): void {
    this.changed.dispose();
  }
}

/** A file of connections; undefined when it is not there. Throws ROW-T102 when it is not valid. */
export async function readConnections(file: vscode.Uri): Promise<Connections | undefined> {
  let text: string;
  try {
    text = Buffer.from(await vscode.workspace.fs.readFile(file)).toString('utf8');
  } catch {
    return undefined;
  }
  const { issueError, parseConnections } = await import('../../shared/task-file.js');
  const { value, issues } = parseConnections(text);
  if (!value) throw issueError(vscode.workspace.asRelativePath(file), issues);
  return value;
}

/** The file of connections beside a task. */
export function connectionsBeside(task: vscode.Uri): vscode.Uri {
  return vscode.Uri.joinPath(task, '..', connectionsFileName);
}
