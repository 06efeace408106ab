import { describe, expect, it } from 'vitest';
import { sourceError } from '../../../src/mysql/errors.js';

describe('an error of the source', () => {
  it.each([
    [1040, 'ROW-S114', /max_connections/],
    [1203, 'ROW-S114', /max_user_connections/],
    [1226, 'ROW-S114', /MAX_USER_CONNECTIONS/],
    [3032, 'ROW-S101', /offline_mode/],
    [3955, 'ROW-S102', /wrong passwords/],
    [1129, 'ROW-S101', /host_cache/],
    [1045, 'ROW-S102', /source\.ssl/],
    [1130, 'ROW-S102', /CREATE USER/],
    [1820, 'ROW-S102', /expired/],
    [1862, 'ROW-S102', /expired/],
    [3118, 'ROW-S102', /locked/],
    [3159, 'ROW-S110', /only encrypted connections/],
  ])('%i is %s and says what to do', (errno, code, remedy) => {
    const error = sourceError({ errno, message: 'as the server says' }, 'connect', 'db:3306');
    expect(error).toMatchObject({ code, remedy: expect.stringMatching(remedy) as string });
    expect(error.message).toContain('as the server says');
  });
});
