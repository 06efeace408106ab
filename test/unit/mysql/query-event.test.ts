import { expect, test } from 'vitest';
import { Reader } from '../../../src/mysql/binlog/format.js';
import { parseQuery } from '../../../src/mysql/binlog/query-event.js';

/** Body of a QUERY event in `test` with these status variables, in hex, and the statement "DO 1". */
function event(status: string) {
  const variables = Buffer.from(status.replaceAll(' ', ''), 'hex');
  const head = Buffer.alloc(13);
  head[8] = 4;
  head.writeUInt16LE(variables.length, 11);
  const body = Buffer.concat([head, variables, Buffer.from('test\0DO 1')]);
  return parseQuery(new Reader(body, 0, body.length), 0);
}
const name = (text: string) => Buffer.from(`${text}\0`).toString('hex');

test('every status variable of MySQL 5.6 to 9.7 is passed over by its length', () => {
  const status = [
    '00 00000000',
    '01 2700300000000000',
    '06 03 737464',
    '03 0100 0200',
    '04 0400 0800 2d00',
    '05 06 2b30333a3030',
    '07 0400',
    '08 1f00',
    '09 0000000000000000',
    '0a 00000000',
    '0b 01 75 02 6868',
    `0c 02 ${name('a')} ${name('bä')}`,
    '0d 010203',
    '10 00',
    '11 1b68010000000000',
    '12 2d00',
    '13 01',
    '14 01',
  ];
  expect(event(status.join(''))).toMatchObject({
    database: 'test',
    databases: ['a', 'bä'],
    statement: Buffer.from('DO 1'),
    context: {
      ansiQuotes: true,
      noBackslashEscapes: true,
      realAsFloat: true,
      pipesAsConcat: true,
      isStrict: true,
      clientCollation: 4,
      connectionCollation: 8,
      serverCollation: 45,
      databaseCollation: 31,
      timeZone: '+03:00',
      explicitDefaultsForTimestamp: false,
      defaultCollationForUtf8mb4: 45,
      sqlRequirePrimaryKey: true,
    },
  });
});

test('databases that are not said, too many or none at all may be any', () => {
  expect(event('').databases).toBeNull();
  expect(event('0c fe').databases).toBeNull();
  expect(event(`0c 01 ${name('')}`).databases).toBeNull();
  expect(event('0c 00').databases).toEqual([]);
});

test('reading ends at a code that is not known, and keeps what it has', () => {
  const { databases, context } = event(`01 0400000000000000 0c 01 ${name('a')} c8 0c 01 ${name('b')}`);
  expect([databases, context.ansiQuotes]).toEqual([['a'], true]);
  expect(event(`c8 0c 01 ${name('b')}`).databases).toBeNull();
});

test('a variable that ends before its end is refused', () => {
  expect(() => event('01 0400')).toThrow('ends before its last field');
});
