import { bad, good, type Check } from '../check.js';

export const destinationPermissions: Check = {
  id: 'destination-permissions',
  severity: 'failure',
  title: 'The destination account can create tables and write rows',
  expected:
    'a RAM user with ots:CreateTable, ots:PutRow, ots:DeleteRow and ots:GetRange, or AliyunOTSFullAccess',
  why: 'Without these permissions, the task fails midway.',
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
      `missing: ${missing.map((operation) => `ots:${operation}`).join(', ')}`,
      `In the RAM console, grant the RAM user ${missing.map((operation) => `ots:${operation}`).join(', ')} on instance ${destination.settings.instance}, or the policy AliyunOTSFullAccess.`,
    );
  },
};
