import { expect, test } from 'vitest';
import { columnsRead } from '../../../src/sync/etl/reads.js';

const of = (table: string, script: string) =>
  columnsRead(script, { database: 'shop', name: table }).map(({ name }) => name);

test('what depends on the row may be read either way', () => {
  expect(of('a', '')).toEqual([]);
  expect(of('a', 'e_if_else(op_gt(`x`, 1), e_set(`y`, `z`), e_keep(op_is_null(`w`)))')).toEqual([
    'x',
    'z',
    'w',
  ]);
  expect(
    of('a', 'e_switch(op_gt(`x`, 1), e_drop(), op_gt(`y`, 1), e_drop(), default=e_set(`n`, `z`))'),
  ).toEqual(['x', 'y', 'z']);
  expect(of('a', "e_set(`y`, (op_eq(__OPERATION__, __OP_DELETE__) ? `x` : 'no'))")).toEqual(['x']);
});

test.each([
  ["e_if(op_eq(__TB__, 'a'), e_set(`y`, `x`))", ['x'], []],
  ["e_if(op_ne(__TB__, 'a'), e_set(`y`, `x`))", [], ['x']],
  ["e_if_else(op_in(__TB__, 'a', 'c'), e_set(`y`, `x`), e_set(`y`, `z`))", ['x'], ['z']],
  ["e_if(op_and(op_eq(__TB__, 'a'), op_gt(`x`, 1)), e_drop())", ['x'], []],
  ["e_if(op_or(op_eq(__TB__, 'b'), op_gt(`x`, 1)), e_drop())", ['x'], []],
  ["e_if(op_and(op_gt(`x`, 1), op_eq(__TB__, 'a')), e_set(`y`, `z`))", ['x', 'z'], ['x']],
  ["e_if(op_not(op_eq(__TB__, 'a')), e_drop())", [], []],
  ["e_compose(e_if(op_eq(__TB__, 'b'), e_drop()), e_set(`y`, `x`))", ['x'], []],
  ["e_compose(e_keep(op_eq(__TB__, 'a')), e_set(`y`, `x`))", ['x'], []],
  ["e_set(`y`, (op_eq(__TB__, 'a') ? `x` : `z`))", ['x'], ['z']],
  ["e_if(op_eq(op_add(__DB__, '.', __TB__), 'shop.a'), e_set(`y`, `x`))", ['x'], []],
  ["e_switch(op_eq(__TB__, 'a'), e_set(`y`, `x`), op_eq(__TB__, 'b'), e_set(`y`, `z`))", ['x'], ['z']],
])('what the name of the table decides is decided: %s', (script, ofA, ofB) => {
  expect([of('a', script), of('b', script)]).toEqual([ofA, ofB]);
});
