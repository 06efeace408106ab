import { variablesIn } from './environment.js';
import { isLoopbackHost } from './http-guard.js';
import type { DestinationSettings, SourceSettings, Task } from './task.js';

/** Parts of a task, its connections looked up; variables resolved or not. */
export interface TaskEnds extends Partial<Pick<Task, 'alerts' | 'objects' | 'etl'>> {
  readonly source?: SourceSettings;
  readonly destination?: DestinationSettings;
}

/** A variable of the environment that a task sends to a server. */
export interface SentVariable {
  readonly variable: string;
  /** The server as the file names it, for people: a variable in it stays one. */
  readonly server: string;
  /** The server itself. May hold what a variable gave: memory only, or as a hash. */
  readonly address: string;
}

interface Server {
  readonly text: string;
  /** Name or address, for isLoopbackHost(). */
  readonly host: string;
}

/**
 * Which variables of the environment go to which servers, when the task is used: a file decides both, so whoever wrote
 * it can name any variable and a server of their own. What stays on this machine is left out. `written` and `resolved`
 * are the same parts before and after their variables were resolved.
 */
export function sentVariables(written: TaskEnds, resolved: TaskEnds): SentVariable[] {
  const { source, destination, alerts, ...rest } = written;
  const sent = new Map<string, SentVariable>();
  const add = (part: unknown, shown: readonly Server[], meant: readonly Server[]): void => {
    for (const variable of variablesIn(part))
      for (const [index, { text: address, host }] of meant.entries())
        if (!isLoopbackHost(host))
          sent.set(`${variable} ${address}`, { variable, server: shown[index]!.text, address });
  };
  add([source, rest], sourceServers(written), sourceServers(resolved));
  add([destination, rest], destinationServers(written), destinationServers(resolved));
  add(alerts, alertServers(written), alertServers(resolved));
  return [...sent.values()];
}

function sourceServers({ source }: TaskEnds): Server[] {
  if (!source) return [];
  const { host, port, hosts } = source;
  return [{ text: `${host}:${port}`, host }, ...hosts.map((text) => ({ text, host: text }))];
}

const destinationServers = ({ destination }: TaskEnds) => (destination ? [web(destination.endpoint)] : []);
const alertServers = ({ alerts }: TaskEnds) => (alerts?.webhook ? [web(alerts.webhook)] : []);

function web(address: string): Server {
  if (address.includes('${env:') || !URL.canParse(address)) return { text: address, host: address };
  const { origin, host } = new URL(address);
  return { text: origin, host };
}
