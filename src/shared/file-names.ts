/** Names of the files that people write. By themselves, so that who only looks for files loads no schema. */

export const taskFileSuffix = '.rowferry.json';

/** Name of the file of connections, looked for beside the task file. */
export const connectionsFileName = 'connections.rowferry.json';

/** Is it the name of a task file? */
export const isTaskFileName = (name: string): boolean =>
  name.endsWith(taskFileSuffix) && name !== connectionsFileName;
