import { good, type Check } from '../check.js';

export const destinationConnection: Check = {
  id: 'destination-connection',
  severity: 'failure',
  title: 'The destination can be reached and takes the key pair',
  expected: 'an answer from the instance, signed in with the key pair of the task',
  why: 'Without it there is nowhere to write.',
  async run(context) {
    const destination = await context.destination();
    const tables = await destination.tables();
    return good(
      `instance ${destination.settings.instance} with ${tables.length} ${tables.length === 1 ? 'table' : 'tables'}`,
    );
  },
};
