import { getLocation, parse as parseJsonc } from 'jsonc-parser';
import * as vscode from 'vscode';
import { completeEtl } from '../../shared/etl-words.js';
import { formatShort } from '../../shared/format.js';
import type { CatalogTable } from '../../shared/catalog-api.js';
import { columnsOf, rawOffset, type KnownNames } from '../tasks/task-problems.js';

type Path = readonly (string | number)[];

/**
 * Names of connections, databases, tables and columns, and the words of the script, from what is known. While
 * nobody has looked at the source, one item offers to: nothing connects by itself.
 */
export class TaskCompletion implements vscode.CompletionItemProvider {
  static readonly triggers = ['"', '`', '(', ',', '_'];

  constructor(private readonly known: (document: vscode.TextDocument) => Promise<KnownNames>) {}

  async provideCompletionItems(
    document: vscode.TextDocument,
    position: vscode.Position,
  ): Promise<vscode.CompletionItem[]> {
    const text = document.getText();
    const offset = document.offsetAt(position);
    const location = getLocation(text, offset);
    const { path, previousNode: node } = location;
    const known = await this.known(document);
    const task = parseJsonc(text, [], { allowTrailingComma: true }) as TaskLike;
    const inString = node?.type === 'string' && offset > node.offset && offset < node.offset + node.length;
    if (inString && path.join('.') === 'etl') return script(document, text, node, offset, task, known);
    const names = this.names(path, location.isAtPropertyKey, task, known);
    if (!names) return [];
    const range = inString
      ? new vscode.Range(document.positionAt(node.offset), document.positionAt(node.offset + node.length))
      : new vscode.Range(position, position);
    const taken = takenAt(task, path, location.isAtPropertyKey);
    if (names === 'ask') return [askItem(document.uri, range)];
    return names
      .filter(({ name }) => !taken.has(name))
      .map(({ name, detail, kind }, index) => {
        const item = new vscode.CompletionItem(JSON.stringify(name), kind);
        item.range = range;
        item.insertText = JSON.stringify(name) + (location.isAtPropertyKey && !inString ? ': ' : '');
        item.filterText = JSON.stringify(name);
        item.sortText = String(index).padStart(5, '0');
        if (detail !== undefined) item.detail = detail;
        return item;
      });
  }

  /** What may stand at a place of the file; undefined: nothing of ours; 'ask': the source was not looked at. */
  private names(path: Path, isKey: boolean, task: TaskLike, known: KnownNames): Name[] | 'ask' | undefined {
    const steps = path.map((step) => (typeof step === 'number' ? '#' : step));
    const connection = (names: readonly string[] | undefined): Name[] =>
      (names ?? []).map((name) => ({ name, kind: vscode.CompletionItemKind.Reference }));
    if (steps.join('.') === 'source.connection') return connection(known.sources);
    if (steps.join('.') === 'destination.connection') return connection(known.destinations);
    if (steps[0] !== 'objects') return undefined;
    const database = String(task?.objects?.[Number(path[1])]?.database ?? '');
    if (steps.join('.') === 'objects.#.database') {
      return known.databases?.map((name) => ({ name, kind: vscode.CompletionItemKind.Module })) ?? 'ask';
    }
    const tables = known.tables(database);
    const { language } = vscode.env;
    if (steps.join('.') === 'objects.#.tables.#.name' || steps.join('.') === 'objects.#.exclude.#') {
      return (
        tables?.map(({ name, estimatedRows }) => ({
          name,
          kind: vscode.CompletionItemKind.Struct,
          detail: vscode.l10n.t('~{0} rows', formatShort(estimatedRows, language)),
        })) ?? 'ask'
      );
    }
    const [, , , at, part] = path;
    if (steps[2] !== 'tables' || typeof at !== 'number') return undefined;
    const name = String(task?.objects?.[Number(path[1])]?.tables?.[at]?.name ?? '');
    const table = tables?.find((one) => one.name === name);
    const isColumn =
      (part === 'primaryKey' && path.length === 6) || (part === 'columns' && path.length === 6 && isKey);
    if (!isColumn) return undefined;
    return tables ? columnNames(table, part === 'primaryKey') : 'ask';
  }
}

interface Name {
  name: string;
  kind: vscode.CompletionItemKind;
  detail?: string;
}
/** The file as far as it can be read. */
type TaskLike =
  | {
      objects?: {
        database?: unknown;
        tables?: { name?: unknown; primaryKey?: unknown; columns?: object }[];
      }[];
    }
  | undefined;

function columnNames(table: CatalogTable | undefined, forKey: boolean): Name[] {
  return (table?.columns ?? []).map(({ name, type, keyProblem }) => ({
    name,
    kind: vscode.CompletionItemKind.Field,
    detail: forKey && keyProblem !== null ? `${type}: ${keyProblem}` : type,
  }));
}

/** Names that stand there already: no table is selected twice, no column stands twice in a key. */
function takenAt(task: TaskLike, path: Path, isKey: boolean): Set<string> {
  const [, database, , at, part, index] = path;
  const tables = task?.objects?.[Number(database)]?.tables;
  if (part === 'name' && Array.isArray(tables))
    return new Set(tables.filter((_, i) => i !== at).map((table) => String(table.name)));
  const table = tables?.[Number(at)];
  if (part === 'primaryKey' && Array.isArray(table?.primaryKey))
    return new Set(table.primaryKey.filter((_: unknown, i: number) => i !== index).map(String));
  if (part === 'columns' && isKey && typeof table?.columns === 'object')
    return new Set(Object.keys(table.columns).filter((name) => name !== index));
  return new Set();
}

function askItem(uri: vscode.Uri, range: vscode.Range): vscode.CompletionItem {
  const item = new vscode.CompletionItem(
    vscode.l10n.t('Load names from the source…'),
    vscode.CompletionItemKind.Event,
  );
  item.insertText = '';
  item.range = new vscode.Range(range.end, range.end);
  item.filterText = '"';
  item.detail = vscode.l10n.t('Connects to the source and reads its databases, tables and columns.');
  item.command = { command: 'rowferry.task.loadNames', title: '', arguments: [{ uri }] };
  return item;
}

function script(
  document: vscode.TextDocument,
  text: string,
  node: { offset: number; length: number; value?: unknown },
  offset: number,
  task: TaskLike,
  known: KnownNames,
): vscode.CompletionItem[] {
  const literal = text.slice(node.offset, node.offset + node.length);
  const value = String(node.value ?? '');
  let caret = 0;
  while (caret < value.length && node.offset + rawOffset(literal, caret) < offset) caret++;
  const columns = task?.objects ? (columnsOf(task as never, known) ?? []) : [];
  const { from, to, items } = completeEtl(value, caret, columns, vscode.l10n.t);
  const place = (at: number) => document.positionAt(node.offset + rawOffset(literal, at));
  const kinds = {
    function: vscode.CompletionItemKind.Function,
    variable: vscode.CompletionItemKind.Variable,
    column: vscode.CompletionItemKind.Field,
  };
  return items.map((word, index) => {
    const item = new vscode.CompletionItem({ label: word.name, description: word.help }, kinds[word.kind]);
    const escaped = JSON.stringify(word.insert).slice(1, -1);
    item.insertText = new vscode.SnippetString(
      escaped.endsWith('()') && word.caret < word.insert.length
        ? `${escaped.slice(0, -1).replaceAll('$', '\\$')}$0)`
        : escaped.replaceAll('$', '\\$'),
    );
    item.range = new vscode.Range(place(from), place(to));
    item.filterText = literal.slice(rawOffset(literal, from), rawOffset(literal, to)) + word.name;
    item.sortText = String(index).padStart(5, '0');
    item.detail = word.signature;
    return item;
  });
}
