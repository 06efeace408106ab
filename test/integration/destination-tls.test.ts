import { mkdtempSync, rmSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startLocalTablestore, type LocalTablestore } from '../../src/local-tablestore/index.js';
import { TablestoreClient } from '../../src/tablestore/client/client.js';
import { makeAuthority, type Certificate } from '../support/certificates.js';

let folder: string;
let store: LocalTablestore;
const authority = makeAuthority('authority of the test');
const standard = tls.getCACertificates();
/** Newer than the types of the oldest Node that is promised. */
const { setDefaultCACertificates } = tls as unknown as {
  setDefaultCACertificates(certificates: string[]): void;
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rowferry-destination-tls-'));
  store = await startLocalTablestore({ data: folder });
  // As NODE_EXTRA_CA_CERTS does at the start of a process.
  setDefaultCACertificates([...standard, authority.cert]);
});
afterAll(async () => {
  setDefaultCACertificates(standard);
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

/** One call through TLS that ends with this certificate: 'answered', or the message of the failure. */
async function call(certificate: Certificate, host = 'localhost'): Promise<string> {
  let decrypted = 0;
  const server = tls.createServer({ ...certificate }, (socket) => {
    const upstream = net.connect(Number(new URL(store.url).port), '127.0.0.1');
    socket.on('data', (chunk) => (decrypted += chunk.length)).on('error', () => upstream.destroy());
    upstream.on('error', () => socket.destroy());
    socket.pipe(upstream).pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { instance, accessKeyId, accessKeySecret } = store;
  const endpoint = `https://${host}:${(server.address() as AddressInfo).port}`;
  const client = new TablestoreClient({ endpoint, instance, accessKeyId, accessKeySecret });
  try {
    await client.call('ListTable', Buffer.alloc(0));
    return 'answered';
  } catch (error) {
    expect(decrypted).toBe(0);
    return (error as Error).message;
  } finally {
    client.close();
    server.close();
  }
}

it('a destination is asked over TLS only when its certificate holds', async () => {
  expect(await call(authority.issue(['localhost']))).toBe('answered');
  expect(await call(authority.issue(['127.0.0.1']), '127.0.0.1')).toBe('answered');
  expect(await call(authority.issue(['localhost']), '127.0.0.1')).toMatch(
    /not trusted \(ERR_TLS_CERT_ALTNAME_INVALID\)/,
  );
  expect(await call(authority.issue(['localhost'], -0.5))).toMatch(/not trusted \(CERT_HAS_EXPIRED\)/);
  expect(await call(makeAuthority('somebody else').issue(['localhost']))).toMatch(
    /not trusted \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)/,
  );
});
