import { randomTaskId } from '../../shared/task-file.js';

/** What is known of a new task; the rest stands as an example to be changed. */
export interface NewTask {
  source?: string;
  destination?: string;
  objects?: { database: string; tables?: { name: string }[] }[];
}

/** Text of a new task file: complete, commented where a person has to decide. */
export function newTaskText(name: string, known: NewTask = {}): string {
  const source =
    known.source === undefined
      ? `{
    "host": "127.0.0.1",
    "port": 3306,
    "user": "root",
    "password": "\${env:MYSQL_PASSWORD}"
  }`
      : `{ "connection": ${JSON.stringify(known.source)} }`;
  const objects = JSON.stringify(known.objects ?? [{ database: 'shop' }], null, 2).replaceAll('\n', '\n  ');
  return `{
  "version": 1,
  "id": ${JSON.stringify(randomTaskId())},
  "name": ${JSON.stringify(name)},

  // Where the rows come from.
  "source": ${source},

  // Where they go. "Local Tablestore" runs on this machine; it needs no account.
  "destination": { "connection": ${JSON.stringify(known.destination ?? 'Local Tablestore')} },

  // A whole database, or chosen tables: "tables": [{ "name": "orders" }]
  "objects": ${objects}
}
`;
}
