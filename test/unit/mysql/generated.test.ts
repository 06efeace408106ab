import { expect, it } from 'vitest';
import { dependsOnSession } from '../../../src/mysql/generated.js';

/** Expressions as MySQL 9 prints them. */
const column = (name: string, dataType: string, unsigned = false, decimals = 0) => ({
  name,
  dataType,
  unsigned,
  decimals,
});
const int = { dataType: 'int', decimals: 0 };
const columns = [
  column('a', 'int'),
  column('u', 'int', true),
  column('at', 'datetime'),
  column('ts', 'timestamp'),
  column('name', 'varchar'),
  column('c', 'char'),
  column('doc', 'json'),
  column('t', 'time'),
];

it.each([
  '(`a` * 2)',
  '(`a` * 1.5)',
  '(`a` <=> 3)',
  '((`a` + 1) * 20240231)',
  '(`a` - 1)',
  "concat(`name`,_utf8mb4\\'x\\')",
  "json_unquote(json_extract(`doc`,_utf8mb4\\'$.a\\'))",
  'year(`at`)',
  'hour(`t`)',
  '(`at` + interval 1 day)',
  'cast(`name` as char(9) charset utf8mb4)',
  '(((year(`at`) * 10000) + (month(`at`) * 100)) + dayofmonth(`at`))',
  'if((`at` is null),`name`,NULL)',
  "if((`at` < _utf8mb4\\'2024-01-01\\'),1,0)",
  'concat(`name`,year(`at`))',
  '(case when (`a` > 3) then 1 else 0 end)',
  'if((`a` is null),1,0)',
])('%s is the same in every session', (expression) => {
  expect(dependsOnSession(expression, columns, int)).toBe(false);
});

it.each([
  ['date(`ts`)', 'time_zone'],
  ["date_format(`at`,_utf8mb4\\'%M\\')", 'lc_time_names'],
  ['(`a` / 3)', 'div_precision_increment'],
  ['week(`at`,0)', 'not known to be free'],
  ['(`u` - 1)', 'NO_UNSIGNED_SUBTRACTION'],
  ['((`a` & 7) - 10)', 'NO_UNSIGNED_SUBTRACTION'],
  ['(crc32(`name`) - 10)', 'NO_UNSIGNED_SUBTRACTION'],
  ['(year(`at`) - 3000)', 'NO_UNSIGNED_SUBTRACTION'],
  ['length(`c`)', 'PAD_CHAR_TO_FULL_LENGTH'],
  ['cast(`name` as date)', 'ALLOW_INVALID_DATES'],
  ['cast(`at` as date)', 'NO_ZERO_DATE'],
  ['date(`at`)', 'NO_ZERO_DATE'],
  ['cast(`at` as datetime)', 'NO_ZERO_DATE'],
  ['year(cast(`at` as char charset binary))', 'ALLOW_INVALID_DATES'],
  ["(`at` < concat(`at`,_utf8mb4\\'\\'))", 'ALLOW_INVALID_DATES'],
  ['year(`name`)', 'ALLOW_INVALID_DATES'],
  ['year(`t`)', 'the date of the day'],
  ['cast(`t` as date)', 'the date of the day'],
  ['(`t` < `at`)', 'the date of the day'],
  ['year((`at` + 1))', 'ALLOW_INVALID_DATES'],
  ['char(`a` using utf8mb4)', 'STRICT_TRANS_TABLES'],
  ['year(`a`)', 'ALLOW_INVALID_DATES'],
  ['(`at` < `name`)', 'ALLOW_INVALID_DATES'],
  ["(`at` < _utf8mb4\\'2024-02-31\\')", 'ALLOW_INVALID_DATES'],
  ["(`name` like _utf8mb4\\'a%\\')", 'NO_BACKSLASH_ESCAPES'],
  ['some_new_function(`a`)', 'unknown'],
  ['`gone`', 'no such column'],
  ["concat(_utf8mb4\\'it\\\\\\'s\\')", 'not read'],
])('%s may be another (%s)', (expression) => {
  expect(dependsOnSession(expression, columns, int)).toBe(true);
});
