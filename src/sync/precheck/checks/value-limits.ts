import { identifier } from '../../../mysql/connection.js';
import type { Column, TableDefinition } from '../../../mysql/model.js';
import type { ResolvedTask } from '../../../shared/task.js';
import type { TaskFix } from '../../../shared/task-fix.js';
import { bad, good, some, type Check } from '../check.js';
import { choosingKey, placeOf, retyping } from '../fixes.js';
import { ask, bytesOf, largestBytes, subjectOf, type Question } from '../sampling.js';
import { columnMapping } from '../../mapping/plan.js';
import { mappingOf } from '../selection.js';
import { limits } from '../../../tablestore/client/limits.js';

/** Limits of Tablestore that rows of the source can pass; such rows become dirty records. */
const keyBytes = 1024;
const cellBytes = 2_097_152;
const rowBytes = 4_194_304;

/** The rows are recorded, and the warning can then be accepted. */
const skipDirtyRows: TaskFix = { do: 'skip-dirty-rows' };

/** For each table another key, without the column that was found. */
function otherKeys(task: ResolvedTask, found: readonly Question[]): TaskFix[] {
  return found.flatMap(({ table, column }) => choosingKey(task, table, column === undefined ? [] : [column]));
}

/** Only text and binary columns can be large; those that the task leaves out do not matter. */
function largeColumns(task: ResolvedTask, table: TableDefinition, atLeast: number) {
  const mapping = mappingOf(task, table);
  return table.columns.filter((c) => !columnMapping(mapping, c)?.exclude && largestBytes(c) > atLeast);
}

export const unsignedBigints: Check = {
  id: 'bigint-unsigned',
  severity: 'warning',
  title: 'Integers fit into a Tablestore INTEGER',
  expected: 'BIGINT UNSIGNED values up to 9223372036854775807',
  why: 'A Tablestore INTEGER is signed: a row with a larger value cannot be written and becomes a dirty record.',
  async run(context) {
    const questions: Question[] = [];
    for (const table of await context.tables()) {
      for (const column of table.columns) {
        if (
          column.dataType !== 'bigint' ||
          !column.unsigned ||
          retypedAsText(context.task, table, column.name)
        )
          continue;
        questions.push({
          table,
          subject: subjectOf(table, column),
          column: column.name,
          condition: `${identifier(column.name)} > 9223372036854775807`,
        });
      }
    }
    return ask(context, questions, {
      none: 'none',
      found: 'larger values in',
      fix: 'Set the type of these columns to STRING in the task.',
      fixes: (found) =>
        retyping(
          context.task,
          found.map(({ table, column }) => ({ table, column: column! })),
          'STRING',
        ),
      setting: ({ column }) => ['columns', column!],
    });
  },
};

function retypedAsText(task: ResolvedTask, table: TableDefinition, column: string): boolean {
  const mapping = columnMapping(mappingOf(task, table), { name: column });
  return mapping?.exclude === true || mapping?.type === 'STRING';
}

export const keySizes: Check = {
  id: 'key-size',
  severity: 'warning',
  title: 'Key values fit into a Tablestore key',
  expected: `at most ${keyBytes} bytes in each key column`,
  why: 'A row with a longer key cannot be written and becomes a dirty record.',
  async run(context) {
    const questions: Question[] = [];
    for (const { table, keyColumns } of await context.planned()) {
      for (const name of keyColumns) {
        const column = table.columns.find((c) => c.name === name);
        if (!column || largestBytes(column) <= keyBytes) continue;
        questions.push({
          table,
          subject: subjectOf(table, column),
          column: name,
          condition: `${bytesOf(column)} > ${keyBytes}`,
        });
      }
    }
    return ask(context, questions, {
      none: 'all of them fit',
      found: 'longer values in',
      fix: 'Choose other key columns for these tables.',
      fixes: (found) => [...otherKeys(context.task, found), skipDirtyRows],
      setting: () => ['primaryKey'],
    });
  },
};

export const emptyKeys: Check = {
  id: 'empty-key',
  severity: 'warning',
  title: 'The first key column is never empty',
  expected: 'no empty string in the first key column',
  why: 'Tablestore partitions rows by the first key column and rejects an empty value: such a row becomes a dirty record.',
  async run(context) {
    const questions: Question[] = [];
    for (const { table, keyColumns } of await context.planned()) {
      const column = table.columns.find((c) => c.name === keyColumns[0]);
      if (!column || largestBytes(column) === 0) continue;
      const name = identifier(column.name);
      // The comparison uses the index; with a padding collation it finds spaces too, so the length decides.
      questions.push({
        table,
        subject: subjectOf(table, column),
        column: column.name,
        condition: `${name} = '' AND LENGTH(${name}) = 0`,
      });
    }
    return ask(context, questions, {
      none: 'none is empty',
      found: 'empty strings in',
      fix: 'Choose another first key column, or fix these rows.',
      fixes: (found) => [...otherKeys(context.task, found), skipDirtyRows],
      setting: () => ['primaryKey'],
    });
  },
};

export const cellSizes: Check = {
  id: 'cell-size',
  severity: 'warning',
  title: 'Values fit into a Tablestore cell',
  expected: `at most ${cellBytes} bytes in each column`,
  why: 'A row with a larger value cannot be written and becomes a dirty record.',
  async run(context) {
    const questions: Question[] = [];
    for (const table of await context.tables()) {
      const columns = largeColumns(context.task, table, cellBytes);
      if (columns.length === 0) continue;
      questions.push({
        table,
        subject: subjectOf(table),
        condition: columns.map((c) => `${bytesOf(c)} > ${cellBytes}`).join(' OR '),
      });
    }
    return ask(context, questions, {
      none: 'all of them fit',
      found: 'larger values in',
      fix: 'Exclude these columns, or skip such rows with "dirtyData": "skip".',
      fixes: () => [skipDirtyRows],
    });
  },
};

export const rowSizes: Check = {
  id: 'row-size',
  severity: 'warning',
  title: 'Rows fit into a Tablestore row',
  expected: `at most ${rowBytes} bytes and ${limits.attributeColumns} columns beside the key in each row`,
  why: 'A larger row cannot be written and becomes a dirty record.',
  async run(context) {
    const tables = await context.tables();
    const wide = (await context.planned())
      .filter(({ table, keyColumns }) => {
        const mapping = mappingOf(context.task, table);
        const isCell = (c: Column) => !columnMapping(mapping, c)?.exclude && !keyColumns.includes(c.name);
        return table.columns.filter(isCell).length > limits.attributeColumns;
      })
      .map(({ table }) => table);
    if (wide.length > 0) {
      return bad(
        `more than ${limits.attributeColumns} columns beside the key: ${some(wide.map((t) => subjectOf(t)))}`,
        'Exclude columns in the task.',
        { at: placeOf(context.task, wide[0]!) },
      );
    }
    const questions: Question[] = [];
    for (const table of tables) {
      const columns = largeColumns(context.task, table, 0);
      const most = columns.reduce((sum, c) => sum + largestBytes(c), 0);
      if (most <= rowBytes) continue;
      questions.push({
        table,
        subject: subjectOf(table),
        condition: `${columns.map((c) => `IFNULL(${bytesOf(c)}, 0)`).join(' + ')} > ${rowBytes}`,
      });
    }
    if (questions.length === 0) return good('all of them fit');
    return ask(context, questions, {
      none: 'all of them fit',
      found: 'larger rows in',
      fix: 'Exclude large columns, or skip such rows with "dirtyData": "skip".',
      fixes: () => [skipDirtyRows],
    });
  },
};
