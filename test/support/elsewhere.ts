import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';

/** An address of this machine that is not its loopback: to us the same as that of another machine. */
export const elsewhere = Object.values(networkInterfaces())
  .flatMap((one) => one ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

export interface Listener {
  readonly endpoint: string;
  /** Headers of whatever came since it was last emptied. */
  heard: string;
  close(): Promise<void>;
}

/** An HTTP server elsewhere that refuses everybody, and keeps what came. */
export async function startListener(): Promise<Listener> {
  const server = createServer((request, response) => {
    listener.heard += JSON.stringify(request.rawHeaders);
    response.writeHead(403);
    response.end();
  });
  await new Promise<void>((done) => server.listen(0, done));
  const listener: Listener = {
    endpoint: `http://${elsewhere}:${(server.address() as AddressInfo).port}`,
    heard: '',
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
  return listener;
}
