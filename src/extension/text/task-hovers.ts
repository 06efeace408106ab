import { getLocation, parse as parseJsonc } from 'jsonc-parser';
import * as vscode from 'vscode';
import { etlFunctions, etlTokens, etlVariables } from '../../shared/etl-words.js';
import { formatBytes, formatCount } from '../../shared/format.js';
import type { CatalogTable } from '../../shared/catalog-api.js';
import { sectionOf, settingAt, type SettingHelp } from '../../shared/setting-pages.js';
import { commandLink, settingHelpCommand } from '../base/help.js';
import { rawOffset, type KnownNames } from '../tasks/task-problems.js';
import { sourceName } from '../../shared/source-name.js';

/**
 * What a name of the file is at the source, what a word of the script does, and of a setting what may stand there, with
 * the way to its page. What a setting is for is in its schema, which the editor shows by itself.
 */
export class TaskHovers implements vscode.HoverProvider {
  constructor(private readonly known: (document: vscode.TextDocument) => Promise<KnownNames>) {}

  async provideHover(
    document: vscode.TextDocument,
    position: vscode.Position,
  ): Promise<vscode.Hover | undefined> {
    const text = document.getText();
    const offset = document.offsetAt(position);
    const { path, previousNode: node, isAtPropertyKey } = getLocation(text, offset);
    if (!node || offset < node.offset || offset > node.offset + node.length) return undefined;
    const range = new vscode.Range(
      document.positionAt(node.offset),
      document.positionAt(node.offset + node.length),
    );
    const setting = isAtPropertyKey ? settingAt(path) : undefined;
    // A name of the person's own is a column, below.
    if (setting && !setting.path.endsWith('*')) return new vscode.Hover(settingWords(setting), range);
    const value = String(node.value ?? '');
    if (path.join('.') === 'etl') {
      const literal = text.slice(node.offset, node.offset + node.length);
      return scriptHover(document, value, literal, node.offset, offset);
    }
    if (path[0] !== 'objects') return undefined;
    const task = parseJsonc(text, [], { allowTrailingComma: true }) as
      { objects?: { database?: unknown; tables?: { name?: unknown }[] }[] } | undefined;
    const object = task?.objects?.[Number(path[1])];
    const known = await this.known(document);
    const tables = known.tables(String(object?.database ?? ''));
    if (path.length === 3 && path[2] === 'database' && tables)
      return new vscode.Hover(databaseWords(value, tables), range);
    if (path[2] !== 'tables') return undefined;
    const table = tables?.find(({ name }) => name === object?.tables?.[Number(path[3])]?.name);
    if (!table) return undefined;
    if (path[4] === 'name') return new vscode.Hover(tableWords(table), range);
    const column =
      path[4] === 'primaryKey'
        ? value
        : path[4] === 'columns' && path.length === 6 && isAtPropertyKey
          ? String(path[5])
          : undefined;
    const found = table.columns.find(({ name }) => name === column);
    if (!found) return undefined;
    const { t } = vscode.l10n;
    const words = plain(
      `${found.name} ${found.type}${found.nullable ? '' : ' NOT NULL'}`,
      t('In Tablestore by default: {0}', found.cellType),
      ...(found.keyProblem === null ? [] : [t('Not possible in a key: {0}', found.keyProblem)]),
    );
    return new vscode.Hover(words, range);
  }
}

function settingWords({ path, values, default: standard }: SettingHelp): vscode.MarkdownString {
  const { t } = vscode.l10n;
  const words = new vscode.MarkdownString();
  words.isTrusted = { enabledCommands: [settingHelpCommand] };
  const facts = [
    ...(values === '' ? [] : [t('Values: {0}', values)]),
    ...(standard === undefined ? [] : [t('Default: {0}', `\`${standard}\``)]),
    `[${t('All settings of {0}', `\`${sectionOf(path)}\``)}](${commandLink(settingHelpCommand, path).toString()})`,
  ];
  words.appendMarkdown(facts.join('  \n'));
  return words;
}

function databaseWords(name: string, tables: readonly CatalogTable[]): vscode.MarkdownString {
  const rows = tables.reduce((sum, table) => sum + table.estimatedRows, 0);
  const { language } = vscode.env;
  return plain(
    name,
    vscode.l10n.t(
      '{0} tables, about {1} rows',
      formatCount(tables.length, language),
      formatCount(rows, language),
    ),
  );
}

function tableWords(table: CatalogTable): vscode.MarkdownString {
  const { t } = vscode.l10n;
  const { language } = vscode.env;
  const words = plain(
    sourceName(table),
    t(
      'About {0} rows, {1} ({2})',
      formatCount(table.estimatedRows, language),
      formatBytes(table.estimatedRows * table.averageRowBytes, language),
      table.engine,
    ),
  );
  const primary = new Set(table.keys.find((key) => key.primary)?.columns);
  const shown = table.columns.slice(0, 40);
  words.appendCodeblock(
    [
      ...shown.map(({ name, type, nullable }) =>
        [name, type, nullable ? '' : 'NOT NULL', primary.has(name) ? 'PRIMARY KEY' : '']
          .filter((part) => part !== '')
          .join(' '),
      ),
      ...(shown.length < table.columns.length ? ['…'] : []),
    ].join('\n'),
    'sql',
  );
  return words;
}

/** Names come from a database: they are shown as text, never as markdown. */
function plain(title: string, ...lines: string[]): vscode.MarkdownString {
  const words = new vscode.MarkdownString();
  words.appendCodeblock(title, 'sql');
  for (const line of lines) words.appendText(`${line}\n`);
  return words;
}

function scriptHover(
  document: vscode.TextDocument,
  value: string,
  literal: string,
  start: number,
  offset: number,
): vscode.Hover | undefined {
  const words = [...etlFunctions(vscode.l10n.t), ...etlVariables(vscode.l10n.t)];
  for (const token of etlTokens(value)) {
    const from = start + rawOffset(literal, token.at);
    const to = start + rawOffset(literal, token.at + token.text.length);
    if (offset < from || offset >= to) continue;
    const word = words.find(({ name }) => name === token.text);
    if (!word) return undefined;
    return new vscode.Hover(
      plain(word.signature, word.help),
      new vscode.Range(document.positionAt(from), document.positionAt(to)),
    );
  }
  return undefined;
}
