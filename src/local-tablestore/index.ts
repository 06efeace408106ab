import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { RowferryError } from '../shared/errors.js';
import { Faults, type FaultRule } from './base/faults.js';
import { createTablestoreServer, type Patience } from './http/server.js';
import { Service, type ServiceLimits } from './operations/service.js';
import { Store } from './storage/store.js';

export { parseFaultRules, type FaultRule } from './base/faults.js';
export { openTablestoreData, type TablestoreData } from './inspect.js';
export { serviceLimits, type ServiceLimits } from './operations/service.js';

export interface LocalTablestoreOptions {
  /** 0 or absent: any free port. */
  port?: number;
  /** Folder of the data file, or ':memory:'. */
  data: string;
  /** 'local' unless given. */
  instance?: string;
  /** Made once and kept with the data when absent. */
  accessKeyId?: string;
  accessKeySecret?: string;
  /** Answer writes without storing them, for benchmarks. */
  discard?: boolean;
  faults?: FaultRule[];
  limits?: ServiceLimits;
  /** How long a slow client is waited for. */
  patience?: Patience;
}

export interface LocalTablestore {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  readonly port: number;
  readonly instance: string;
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  /** The faults and limits in force; both may be changed while it runs. */
  readonly faults: Faults;
  setLimits(limits: ServiceLimits): void;
  /** Ends every connection, then closes the file. */
  close(): Promise<void>;
}

/**
 * Starts an embedded Tablestore on the loopback interface.
 * @throws RowferryError ROW-E103 when the port is in use, ROW-E110 when the data file cannot be used, ROW-E101
 *   when another process serves it, ROW-T104 for an instance name the service would not take.
 */
export async function startLocalTablestore(options: LocalTablestoreOptions): Promise<LocalTablestore> {
  const instance = options.instance ?? 'local';
  if (!/^[A-Za-z][A-Za-z0-9-]{1,14}[A-Za-z0-9]$/.test(instance)) {
    throw new RowferryError('ROW-T104', `"${instance}" is not a valid instance name.`, {
      remedy: 'Use 3 to 16 letters, digits or hyphens. Start with a letter, and do not end with a hyphen.',
    });
  }
  const store = Store.open(options.data, instance);
  const credentials = {
    instance,
    accessKeyId:
      options.accessKeyId ?? store.setting('accessKeyId', () => `LTS${randomBytes(10).toString('hex')}`),
    accessKeySecret:
      options.accessKeySecret ??
      store.setting('accessKeySecret', () => randomBytes(18).toString('base64url')),
  };
  const faults = new Faults(options.faults ?? []);
  const service = new Service(store, options.limits ?? {}, options.discard ?? false, faults);
  const server = createTablestoreServer(service, credentials, options.patience);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.port ?? 0, '127.0.0.1', resolve);
    });
  } catch (error) {
    store.close();
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') {
      throw new RowferryError('ROW-E103', `Port ${options.port} is in use.`, { cause: error });
    }
    throw error;
  }
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    ...credentials,
    faults,
    setLimits(limits) {
      service.limits = limits;
    },
    async close() {
      service.open = false;
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      store.close();
    },
  };
}
