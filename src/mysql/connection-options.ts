import { readFile } from 'node:fs/promises';
import { connect, isIP, type Socket } from 'node:net';
import type mysql from 'mysql2';
import { RowferryError } from '../shared/errors.js';
import type { SourceSettings } from '../shared/task.js';
import { passwordPlugins } from './password.js';

export interface SourceAddress {
  readonly host: string;
  readonly port: number;
}

const connectTimeoutMillis = 10_000;
const keepAliveMillis = 10_000;

/** The servers of a connection in the order in which they are tried. `hosts` holds host:port, port optional. */
export function sourceAddresses(settings: SourceSettings): SourceAddress[] {
  return [
    { host: settings.host, port: settings.port },
    ...settings.hosts.map((text) => {
      const match = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(text);
      if (!match) return { host: text, port: settings.port };
      return { host: match[1] ?? match[2] ?? text, port: match[3] ? Number(match[3]) : settings.port };
    }),
  ];
}

/** Options for mysql2, files read. Throws ROW-S110 when a file cannot be read. */
export async function connectionOptions(
  settings: SourceSettings,
  address: SourceAddress,
  isEncrypted: boolean,
): Promise<mysql.ConnectionOptions> {
  const { host, port } = address;
  const [serverPublicKey, ssl] = await Promise.all([
    read(settings.serverPublicKeyFile, 'public key'),
    isEncrypted ? sslOptions(settings) : undefined,
  ]);
  return {
    host,
    port,
    stream: () => openSocket(address),
    user: settings.user,
    password: settings.password,
    connectTimeout: connectTimeoutMillis,
    charset: 'utf8mb4_general_ci',
    supportBigNumbers: true,
    dateStrings: true,
    jsonStrings: true,
    // Neither a file of this machine nor code made of names goes by what a server says.
    flags: ['-LOCAL_FILES'],
    disableEval: true,
    authPlugins: passwordPlugins({
      ssl: settings.ssl,
      allowPublicKeyRetrieval: settings.allowPublicKeyRetrieval,
      host,
      address: `${host}:${port}`,
      serverPublicKey,
    }),
    ...(ssl && { ssl }),
  };
}

/**
 * The driver tells TLS no host that is an IP address, and Node then holds the certificate against "localhost" unless
 * the socket has a host (`_host` of net.Socket, which net sets where it looks a name up).
 */
function openSocket({ host, port }: SourceAddress): Socket {
  const socket = connect({
    host,
    port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: keepAliveMillis,
  });
  return isIP(host) ? Object.assign(socket, { _host: host }) : socket;
}

async function read(file: string | undefined, what = 'certificate'): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new RowferryError('ROW-S110', `The ${what} file ${file} cannot be read.`, { cause: error });
  }
}

async function sslOptions(settings: SourceSettings): Promise<mysql.SslOptions> {
  const [ca, cert, key] = await Promise.all([
    read(settings.caFile),
    read(settings.certFile),
    read(settings.keyFile),
  ]);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    rejectUnauthorized: settings.ssl === 'verify-ca' || settings.ssl === 'verify-identity',
    verifyIdentity: settings.ssl === 'verify-identity',
  };
}
