import { good, type Check } from '../check.js';

export const sourceConnection: Check = {
  id: 'source-connection',
  severity: 'failure',
  title: 'The source can be reached and lets us in',
  expected: 'a login on the host and port of the task',
  why: 'Without it there is nothing to read.',
  async run(context) {
    const connection = await context.source();
    return good(`MySQL ${(await context.facts()).version} at ${connection.address}`);
  },
};
