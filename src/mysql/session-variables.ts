/** Whatever a server or an administrator set globally must not reach our sessions. */
const sessionVariables = [
  `time_zone = '+00:00'`,
  `sql_mode = ''`,
  `net_write_timeout = 3600`,
  `net_read_timeout = 3600`,
  `wait_timeout = 28800`,
  // DEFAULT would be the global value, which is what must not reach us.
  `sql_select_limit = 18446744073709551615`,
  `max_execution_time = 0`,
  `max_join_size = 18446744073709551615`,
  `lock_wait_timeout = 3600`,
  // Without autocommit a session would see one moment for as long as it lives, and keep the tables that it read.
  `autocommit = ON`,
  // A row that is rolled back later must not be read.
  `transaction_isolation = 'REPEATABLE-READ'`,
  `character_set_client = utf8mb4`,
  `character_set_results = utf8mb4`,
  `collation_connection = utf8mb4_general_ci`,
  `information_schema_stats_expiry = 0`,
  // Tables are cut by whichever key fits best; a hint that names an invisible one fails.
  `optimizer_switch = 'use_invisible_indexes=on'`,
  `show_gipk_in_create_table_and_information_schema = ON`,
];

const unknownVariable = 1193;
const variableRefused = new Set([unknownVariable, 1227, 1231, 1238]);

/**
 * Sets what every session starts with, at once, or one by one where the server lacks some of it. Gives the
 * statements that worked, for another session on the same server.
 */
export async function prepareSession(
  run: (sql: string) => Promise<unknown>,
  extra: readonly string[],
): Promise<string[]> {
  const all = [...sessionVariables, ...extra];
  const together = `SET ${all.map((one) => `SESSION ${one}`).join(', ')}`;
  try {
    await run(together);
    return [together];
  } catch (error) {
    if (!variableRefused.has(errnoOf(error))) throw error;
  }
  const worked: string[] = [];
  for (const one of all) {
    try {
      await run(`SET SESSION ${one}`);
      worked.push(`SET SESSION ${one}`);
    } catch (error) {
      if (!variableRefused.has(errnoOf(error))) throw error;
    }
  }
  return worked;
}

function errnoOf(error: unknown): number {
  const own = (error as { errno?: number } | null)?.errno;
  if (own !== undefined) return own;
  return (error as { cause?: { errno?: number } } | null)?.cause?.errno ?? 0;
}
