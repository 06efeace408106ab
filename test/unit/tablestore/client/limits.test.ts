import { expect, test } from 'vitest';
import { checkRow, isValidName, limits } from '../../../../src/tablestore/client/limits.js';
import { RowWriter, prepareName } from '../../../../src/tablestore/wire/row-writer.js';

const id = prepareName('id');
const v = prepareName('v');
const bytes = Buffer.alloc(limits.attributeValueBytes + 1, 'x');

function check(fill: (writer: RowWriter) => void) {
  const writer = new RowWriter();
  // A row before it must not leak into the next.
  writer.beginRow();
  writer.key(id).utf8(bytes, 0, 2000);
  writer.attribute(v).utf8(bytes, 0, bytes.length);
  writer.endRow();
  writer.beginRow();
  fill(writer);
  writer.endRow();
  return checkRow(writer)?.code;
}

test('key values up to 1,024 bytes', () => {
  expect(check((w) => w.key(id).utf8(bytes, 0, 1024))).toBeUndefined();
  expect(check((w) => w.key(id).utf8(bytes, 0, 1025))).toBe('OTSInvalidPK');
  expect(check((w) => w.key(id).text('é'.repeat(513)))).toBe('OTSInvalidPK');
});

test('attribute values up to 2 MB', () => {
  const cell = (size: number) =>
    check((w) => {
      w.key(id).integer(1);
      w.attribute(v).binary(bytes, 0, size);
    });
  expect(cell(limits.attributeValueBytes)).toBeUndefined();
  expect(cell(limits.attributeValueBytes + 1)).toBe('OTSParameterInvalid');
});

test('1,024 attribute columns', () => {
  const columns = (count: number) =>
    check((w) => {
      w.key(id).integer(1);
      for (let i = 0; i < count; i++) w.attribute(prepareName(`c${i}`)).boolean(true);
    });
  expect(columns(1024)).toBeUndefined();
  expect(columns(1025)).toBe('OTSOutOfColumnCountLimit');
});

test('4 MB of data in a row', () => {
  const row = (spare: number) =>
    check((w) => {
      w.key(id).integer(1); // 2 + 8
      w.attribute(prepareName('a')).binary(bytes, 0, 2 * 1024 * 1024); // 1 + 2 MB
      w.attribute(prepareName('b')).binary(bytes, 0, 2 * 1024 * 1024 - 12 + spare); // 1 + …
    });
  expect(row(0)).toBeUndefined();
  expect(row(1)).toBe('OTSOutOfRowSizeLimit');
});

test.each([
  ['a', true],
  ['_1', true],
  ['A_b9', true],
  ['1a', false],
  ['', false],
  ['a-b', false],
  ['é', false],
  ['a'.repeat(255), true],
  ['a'.repeat(256), false],
])('name %s', (name, valid) => {
  expect(isValidName(name)).toBe(valid);
});
