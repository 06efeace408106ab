import { hostname } from 'node:os';
import { RowferryError } from '../../shared/errors.js';
import type { ResolvedTask } from '../../shared/task.js';
import { endpointParts } from '../../shared/tablestore-endpoint.js';

/**
 * Which instance a task has written to: its name, and its region where the endpoint tells it. The address alone may
 * change (public, VPC, a proxy, the port of the embedded Tablestore), the instance may not: what the checkpoint speaks
 * for is not in another one.
 */
export function destinationIdentity({ endpoint, instance }: ResolvedTask['destination']): string {
  const region = endpointParts(endpoint)?.region;
  return region === undefined ? instance : `${instance} in ${region}`;
}

/** `known`: the identity of before; undefined or '' where an earlier version stored none. */
export function isSameDestination(
  known: string | undefined,
  destination: ResolvedTask['destination'],
): boolean {
  if (!known) return true;
  const now = destinationIdentity(destination);
  const [[knownName, knownRegion], [name, region]] = [known.split(' in '), now.split(' in ')];
  const isSameRegion = knownRegion === undefined || region === undefined || knownRegion === region;
  return knownName === name && isSameRegion;
}

/** `known` as of isSameDestination(). Throws ROW-T106. */
export function mustBeSameDestination(
  known: string | undefined,
  task: Pick<ResolvedTask, 'name' | 'destination'>,
): void {
  if (isSameDestination(known, task.destination)) return;
  const now = destinationIdentity(task.destination);
  throw new RowferryError(
    'ROW-T106',
    `${task.name ?? 'The task'} has loaded its tables into the Tablestore instance ${known}; its file now names ${now}.`,
    { remedy: `Change it back to ${known}, or run "rowferry reset TASK" to load everything into ${now}.` },
  );
}

/**
 * What one lock stands for: an instance, by whatever address it is reached. An instance of the cloud has public, VPC
 * and internal ones; another server has this machine's names, and may have the same instance name as one elsewhere.
 */
export function writtenInstance(destination: ResolvedTask['destination']): string {
  const { endpoint, instance } = destination;
  if (endpointParts(endpoint)) return destinationIdentity(destination);
  const { protocol, hostname: host, port } = new URL(endpoint);
  const isHere = /^(localhost|127(\.\d+){3}|\[::1\])$/i.test(host);
  const server = isHere ? hostname() : host.toLowerCase();
  return `${server}:${port || (protocol === 'https:' ? '443' : '80')} ${instance}`;
}
