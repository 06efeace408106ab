import type * as vscode from 'vscode';
import type { Connections } from '../../shared/connections.js';
import type { DestinationSettings, SourceSettings, Task } from '../../shared/task.js';
import type { TaskSnapshot } from '../../shared/snapshot.js';
import type { TaskFile, TaskFiles } from './task-files.js';

/** A table of one side, by its saved connection. */
export interface TableOfSide {
  side: 'source' | 'destination';
  connection: string;
  /** `database.table`, or the table in Tablestore. */
  table: string;
}

/** The two tables that a task keeps in sync. */
export interface PairedTables {
  /** Of one file and its two tables. */
  id: string;
  uri: vscode.Uri;
  task: string;
  /** `database.table` */
  source: string;
  destination: string;
}

/**
 * The pairs that a table is part of, by the tasks of the files and what the engine says of them: a task that never ran has
 * made nothing of the table yet. Connects to nothing.
 */
export async function pairsOf(
  of: TableOfSide,
  context: {
    files: Pick<TaskFiles, 'all' | 'ready'>;
    snapshotOf: (file: TaskFile) => Pick<TaskSnapshot, 'tables'> | undefined;
    /** The person's own connections, Local Tablestore among them while it runs. */
    own: () => Promise<Connections>;
    /** Those beside a task, which come first. */
    beside: (task: vscode.Uri) => Promise<Connections | undefined>;
  },
): Promise<PairedTables[]> {
  await context.files.ready;
  const known = await context.own();
  const own = placeOf(of.side, { connection: of.connection }, known);
  const pairs: PairedTables[] = [];
  for (const file of context.files.all) {
    const { task, uri, name } = file;
    if (!task) continue;
    const tables = (context.snapshotOf(file)?.tables ?? []).filter(
      (table) => table[of.side] === of.table && table.destination !== '',
    );
    if (tables.length === 0) continue;
    const beside = await context.beside(uri).catch(() => undefined);
    const place = placeOf(of.side, task[of.side], {
      sources: { ...known.sources, ...beside?.sources },
      destinations: { ...known.destinations, ...beside?.destinations },
    });
    if (place === null || place !== own) continue;
    for (const { source, destination } of tables)
      pairs.push({
        id: JSON.stringify([uri.toString(), source, destination]),
        uri,
        task: name,
        source,
        destination,
      });
  }
  return pairs;
}

/** Where a side is, so that two names of one server are the same; null: the connection does not exist. */
function placeOf(
  side: 'source' | 'destination',
  named: Task['source'] | Task['destination'],
  { sources, destinations }: Connections,
): string | null {
  const settings =
    'connection' in named
      ? side === 'source'
        ? sources[named.connection]
        : destinations[named.connection]
      : named;
  if (!settings) return null;
  if (side === 'source') {
    const { host, port } = settings as SourceSettings;
    return `${host.toLowerCase()}:${port}`;
  }
  const { endpoint, instance } = settings as DestinationSettings;
  return `${endpoint.toLowerCase().replace(/\/+$/, '')} ${instance}`;
}
