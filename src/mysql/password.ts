import tls from 'node:tls';
import type { Socket } from 'node:net';
import mysql from 'mysql2';
import { RowferryError } from '../shared/errors.js';
import type { SourceSettings } from '../shared/task.js';
import { isLoopback } from './this-machine.js';

/**
 * Most logins prove that both sides know the password and do not send it. Full authentication of
 * caching_sha2_password (whenever the server has nothing in its cache) and of sha256_password sends it, either as it is
 * or encrypted by a key that the server names: who stands between us and the server, names one of his own. It goes only
 *   - inside this machine,
 *   - over TLS that has proved who answers, or that the task asks for without such a proof (`ssl: required`),
 *   - encrypted by the key in `serverPublicKeyFile`,
 *   - or to whoever answers, where the task says so (`allowPublicKeyRetrieval`).
 * TLS that was merely offered (`ssl: preferred`) counts as proof only with a certificate that holds for the host.
 */
export interface PasswordRules extends Pick<SourceSettings, 'ssl' | 'allowPublicKeyRetrieval'> {
  readonly host: string;
  /** host:port, for messages. */
  readonly address: string;
  /** Public RSA key of the server, PEM. */
  readonly serverPublicKey: string | undefined;
}

type Way = 'as it is' | 'by the known key' | 'by the key that it names' | 'not at all';

/** mysql2 knows the socket of a connection as `stream`, which TLS replaces. */
export const socketOf = (connection: mysql.Connection): Socket =>
  (connection as unknown as { stream: Socket }).stream;

function wayTo(socket: Socket, rules: PasswordRules): Way {
  const isLocal = isLoopback(socket.remoteAddress);
  if (socket instanceof tls.TLSSocket) {
    const isMeant = rules.ssl !== 'preferred' || rules.allowPublicKeyRetrieval;
    return isMeant || isLocal || isProven(socket, rules.host) ? 'as it is' : 'not at all';
  }
  if (rules.serverPublicKey !== undefined) return 'by the known key';
  return isLocal || rules.allowPublicKeyRetrieval ? 'by the key that it names' : 'not at all';
}

/** The certificate is signed by an authority that we know, and holds for this host. */
export function isProven(socket: tls.TLSSocket, host: string): boolean {
  return socket.authorized && tls.checkServerIdentity(host, socket.getPeerCertificate()) === undefined;
}

const fullAuthentication = 4;

/** What answers for the driver when a server asks for the password. Throws ROW-S115 in the driver's place. */
export function passwordPlugins(rules: PasswordRules): Record<string, mysql.AuthPlugin> {
  /** mysql2's own answer, once it is settled that there is a way for it. */
  const withWay =
    (plugin: (way: Way) => mysql.AuthPlugin, asksForPassword: (data: Buffer) => boolean): mysql.AuthPlugin =>
    (metadata) => {
      const way = wayTo(socketOf(metadata.connection), rules);
      const answer = plugin(way)(metadata);
      return (data) => {
        if (way === 'not at all' && asksForPassword(data))
          throw unproven(rules, socketOf(metadata.connection) instanceof tls.TLSSocket);
        return answer(data);
      };
    };
  const key = (way: Way) => (way === 'by the known key' ? { serverPublicKey: rules.serverPublicKey! } : {});
  return {
    caching_sha2_password: withWay(
      (way) => mysql.authPlugins.caching_sha2_password({ overrideIsSecure: way === 'as it is', ...key(way) }),
      (data) => data.length === 1 && data[0] === fullAuthentication,
    ),
    sha256_password: withWay(
      (way) => mysql.authPlugins.sha256_password(key(way)),
      () => true,
    ),
  };
}

function unproven({ address }: PasswordRules, isEncrypted: boolean): RowferryError {
  return new RowferryError(
    'ROW-S115',
    isEncrypted
      ? `MySQL at ${address} asks for the password itself, and its certificate does not prove that it is the right server. The password was not sent.`
      : `MySQL at ${address} asks for the password itself over an unencrypted connection, and nothing proves that it is the right server. The password was not sent.`,
  );
}
