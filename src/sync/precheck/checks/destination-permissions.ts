import { bad, good, type Check } from '../check.js';

export const destinationPermissions: Check = {
  id: 'destination-permissions',
  severity: 'failure',
  title: 'The account of the destination may create tables and write',
  expected:
    'a RAM user with ots:CreateTable, ots:PutRow, ots:DeleteRow and ots:GetRange, or AliyunOTSFullAccess',
  why: 'A RAM user without them is refused in the middle of the task.',
  async run(context) {
    const destination = await context.destination();
    const needed = [
      ...(context.task.synchronization.schema ? (['CreateTable'] as const) : []),
      ...(['PutRow', 'DeleteRow', 'GetRange'] as const),
    ];
    const answers = await Promise.all(needed.map((operation) => destination.permits(operation)));
    const missing = needed.filter((_, index) => !answers[index]);
    if (missing.length === 0) return good('allowed');
    return bad(
      `refused: ${missing.map((operation) => `ots:${operation}`).join(', ')}`,
      `Give the RAM user ${missing.map((operation) => `ots:${operation}`).join(', ')} on instance ${destination.settings.instance} in the RAM console, or the policy AliyunOTSFullAccess.`,
    );
  },
};
