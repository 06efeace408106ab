import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  contrast,
  cssColour,
  legible,
  parseColour,
  type Colour,
} from '../../../../webview/components/contrast.js';

const white: Colour = [255, 255, 255, 1];
const black: Colour = [0, 0, 0, 1];

test('colours are read as VS Code writes them', () => {
  expect(parseColour('#fff')).toEqual(white);
  expect(parseColour(' #73C991 ')).toEqual([115, 201, 145, 1]);
  expect(parseColour('#00000080')).toEqual([0, 0, 0, 128 / 255]);
  expect(parseColour('rgba(204, 204, 204, 0.7)')).toEqual([204, 204, 204, 0.7]);
  expect(parseColour('rgb(1 2 3 / 0.5)')).toEqual([1, 2, 3, 0.5]);
  expect(['', 'red', '#12', '#1234567', 'rgb(a, b, c)'].map(parseColour)).toEqual(Array(5).fill(null));
});

test('contrast is that of WCAG', () => {
  expect(contrast(black, white)).toBeCloseTo(21);
  expect(contrast(white, white)).toBe(1);
  expect(contrast(parseColour('#767676')!, white)).toBeCloseTo(4.54, 2);
  expect(contrast([0, 0, 0, 0.5], white)).toBeCloseTo(contrast([127.5, 127.5, 127.5, 1], white));
});

test('a weak colour gets as strong as it must, and a strong one stays', () => {
  const green = parseColour('#73c991')!;
  expect(contrast(green, white)).toBeLessThan(2.1);
  const stronger = legible(green, [white, parseColour('#f3f3f3')!], 4.5);
  expect(contrast(stronger, parseColour('#f3f3f3')!)).toBeGreaterThanOrEqual(4.5);
  // Still a green.
  expect(stronger[1]).toBeGreaterThan(stronger[0]);
  expect(legible(green, [black], 4.5)).toBe(green);
  expect(cssColour(legible(green, [black], 4.5))).toBe('rgb(115 201 145 / 1)');
});

test('any colour becomes legible on any background', () => {
  const part = fc.integer({ min: 0, max: 255 });
  const opaque = fc.tuple(part, part, part, fc.constant(1));
  const any = fc.tuple(part, part, part, fc.double({ min: 0, max: 1, noNaN: true }));
  fc.assert(
    fc.property(any, opaque, (colour, below) => contrast(legible(colour, [below], 4.5), below) >= 4.5),
  );
});
