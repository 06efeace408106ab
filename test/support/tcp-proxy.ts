import net from 'node:net';
import type { AddressInfo } from 'node:net';

/**
 * A TCP proxy that can fall silent, as a dead link does: connections stay open and nothing passes. It can also keep the
 * answer to one request, so that a test decides what happens between the two.
 */
export class TcpProxy {
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  readonly #silent = new WeakSet<net.Socket>();
  #frozen = false;
  #wanted: { pattern: RegExp; skip: number; asked: (release: () => void) => void } | undefined;

  #target: { host: string; port: number };

  private constructor(server: net.Server, target: { host: string; port: number }) {
    this.#server = server;
    this.#target = target;
  }

  static async start(target: { host: string; port: number }): Promise<TcpProxy> {
    const server = net.createServer();
    const proxy = new TcpProxy(server, target);
    server.on('connection', (client) => {
      const upstream = net.connect(proxy.#target.port, proxy.#target.host);
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        proxy.#sockets.add(from);
        if (proxy.#frozen) proxy.#silent.add(from);
        from.on('data', (chunk) => {
          if (proxy.#frozen) return;
          if (from === client) proxy.#look(chunk, upstream);
          to.write(chunk);
        });
        from.on('close', () => {
          proxy.#sockets.delete(from);
          if (!proxy.#silent.has(from)) to.destroy();
        });
        from.on('error', () => undefined);
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** From now on nothing passes, in either direction, and nobody is told. */
  freeze(): void {
    this.#frozen = true;
    for (const socket of this.#sockets) this.#silent.add(socket);
  }

  /** New connections pass again; those of before stay dead. */
  thaw(): void {
    this.#frozen = false;
  }

  /** Cuts every connection off; new ones lead to another server. */
  lead(target: { host: string; port: number }): void {
    this.#target = target;
    for (const socket of this.#sockets) socket.destroy();
  }

  /**
   * Keeps the answer to the next request that matches, after `skip` others that do. Settles when it was sent, with what
   * lets the answer come: the server carries it out meanwhile.
   */
  keepAnswer(pattern: RegExp, skip = 0): Promise<() => void> {
    return new Promise((resolve) => (this.#wanted = { pattern, skip, asked: resolve }));
  }

  #look(request: Buffer, upstream: net.Socket): void {
    const wanted = this.#wanted;
    if (!wanted?.pattern.test(request.toString('latin1'))) return;
    if (wanted.skip-- > 0) return;
    this.#wanted = undefined;
    upstream.pause();
    wanted.asked(() => upstream.resume());
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
