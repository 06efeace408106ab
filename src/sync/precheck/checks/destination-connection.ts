import { good, type Check } from '../check.js';

export const destinationConnection: Check = {
  id: 'destination-connection',
  severity: 'failure',
  title: 'The destination is reachable and accepts the AccessKey pair',
  expected: 'the instance responds to a request signed with the AccessKey pair of the task',
  why: 'Without a destination, Rowferry has nowhere to write.',
  async run(context) {
    const destination = await context.destination();
    const tables = await destination.tables();
    return good(
      `instance ${destination.settings.instance} with ${tables.length} ${tables.length === 1 ? 'table' : 'tables'}`,
    );
  },
};
