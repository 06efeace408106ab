import { good, type Check } from '../check.js';

export const sourceConnection: Check = {
  id: 'source-connection',
  severity: 'failure',
  title: 'The source is reachable and accepts the login',
  expected: 'a successful login at the host and port of the task',
  why: 'Without a source, Rowferry has nothing to read.',
  async run(context) {
    const connection = await context.source();
    return good(`MySQL ${(await context.facts()).version} at ${connection.address}`);
  },
};
