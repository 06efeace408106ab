import type * as vscode from 'vscode';

/**
 * Everything secret lives here and in the engine's memory only. Keys name what a secret is for, and an index lists
 * the keys, because SecretStorage of older editors cannot.
 */
export class Secrets {
  private static readonly index = 'rowferry.index';

  constructor(private readonly storage: vscode.SecretStorage) {}

  get(key: string): Thenable<string | undefined> {
    return this.storage.get(key);
  }

  async set(key: string, value: string): Promise<void> {
    await this.storage.store(key, value);
    const keys = await this.keys();
    if (!keys.includes(key)) await this.storage.store(Secrets.index, JSON.stringify([...keys, key]));
  }

  async delete(key: string): Promise<void> {
    await this.storage.delete(key);
    const keys = (await this.keys()).filter((k) => k !== key);
    await this.storage.store(Secrets.index, JSON.stringify(keys));
  }

  async keys(): Promise<string[]> {
    const text = await this.storage.get(Secrets.index);
    return text === undefined ? [] : (JSON.parse(text) as string[]);
  }

  /** Value of `${env:NAME}` in the tasks of a folder. Folders are told apart: the same name may mean two servers. */
  static variable(folder: string, name: string): string {
    return `variable:${folder}:${name}`;
  }

  static connection(kind: 'source' | 'destination', name: string): string {
    return `connection:${kind}:${name}`;
  }
}
