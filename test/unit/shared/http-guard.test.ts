import { expect, it } from 'vitest';
import { refusalOf } from '../../../src/shared/http-guard.js';

const answers = (host: string | undefined, hosts: string[] = [], more = {}) =>
  refusalOf({ host, ...more }, hosts) === null;

it('answers names of this machine, and no others unless they are listed', () => {
  for (const host of [
    '127.0.0.1:9464',
    'localhost',
    'LOCALHOST:1',
    'a.localhost:80',
    '[::1]:9464',
    '127.9.9.9',
  ])
    expect([host, answers(host)]).toEqual([host, true]);
  for (const host of [
    undefined,
    '',
    'evil.example',
    'evil.example:9464',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '10.0.0.5:9464',
    '[fd00::2]:9464',
    'localhost:80@evil.example',
  ])
    expect([host, answers(host)]).toEqual([host, false]);
});

it('answers listed names with any port, and every name for *', () => {
  expect(answers('Metrics.example:9464', ['metrics.example'])).toBe(true);
  expect(answers('metrics.example.', ['metrics.example'])).toBe(true);
  expect(answers('other.example', ['metrics.example'])).toBe(false);
  expect(answers('[fd00::2]:9464', ['fd00::2'])).toBe(true);
  expect(answers('10.0.0.5', ['*'])).toBe(true);
  expect(answers(undefined, ['*'])).toBe(false);
});

it('answers no page, under whatever name', () => {
  for (const site of ['cross-site', 'same-site', 'same-origin'])
    expect(answers('localhost', ['*'], { 'sec-fetch-site': site })).toBe(false);
  expect(answers('localhost', ['*'], { origin: 'http://evil.example' })).toBe(false);
  expect(answers('localhost', [], { origin: 'null' })).toBe(false);
  expect(answers('localhost', [], { 'sec-fetch-site': 'none' })).toBe(true);
});
