import { expect, it } from 'vitest';
import { rowLines } from '../../../../src/extension/panels/row-lines.js';
import { rowJson } from '../../../../src/shared/shown-row.js';

const columns = ['id', '7', '__proto__', 'a,"b'];
const rows = [
  ['1', null, 'x\r\ny', '=1+1'],
  ['2', '', '说 "hi"', '0x00ff'],
];

it('CSV has a line of names once, quotes what has to be, and no formula', () => {
  expect(rowLines('csv', columns, rows, { isFirst: true, isSparse: false })).toBe(
    '\ufeffid,7,__proto__,"a,""b"\r\n1,,"x\r\ny",\'=1+1\r\n2,,"说 ""hi""",0x00ff\r\n',
  );
  expect(rowLines('csv', columns, rows.slice(1), { isFirst: false, isSparse: false })).toBe(
    '2,,"说 ""hi""",0x00ff\r\n',
  );
});

it('JSON Lines have one object a row, in the order of the columns, whatever they are called', () => {
  const text = rowLines('jsonl', columns, rows, { isFirst: true, isSparse: false });
  expect(text.split('\n')).toEqual([
    '{"id":"1","7":null,"__proto__":"x\\r\\ny","a,\\"b":"=1+1"}',
    '{"id":"2","7":"","__proto__":"说 \\"hi\\"","a,\\"b":"0x00ff"}',
    '',
  ]);
  expect(rowLines('jsonl', columns, [], { isFirst: true, isSparse: false })).toBe('');
});

it('of Tablestore a column that the row does not have is left out', () => {
  expect(rowJson(['id', 'a', 'b'], ['1', null, ''], true)).toBe('{"id":"1","b":""}');
});
