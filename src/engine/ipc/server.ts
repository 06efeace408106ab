import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { BirpcReturn } from 'birpc';
import { RowferryError } from '../../shared/errors.js';
import {
  protocolVersion,
  type ClientApi,
  type ClientHello,
  type EngineApi,
} from '../../shared/engine-api.js';
import type { OptionalApi } from '../../shared/engine-api.js';
import type { Log } from '../base/log.js';
import { socketPath, type EngineAddress, type StatePaths } from '../base/paths.js';
import { checkedCalls } from './calls.js';
import { makeKey, prove } from './proof.js';
import { connectRpc } from './transport.js';

/** A client that said hello. */
export interface Session {
  readonly kind: ClientHello['kind'];
  readonly pid: number;
  readonly client: BirpcReturn<ClientApi>;
}

export type SessionApi = Omit<EngineApi, 'hello'> & Partial<OptionalApi>;

export interface ServerHooks {
  /** What a session may call. */
  api(session: Session): SessionApi;
  attached(session: Session): void;
  detached(session: Session): void;
  draining(): boolean;
}

/** Methods of ClientApi, which are events all. */
const clientEvents: (keyof ClientApi)[] = [
  'snapshot',
  'verifyProgress',
  'retryProgress',
  'log',
  'ended',
  'alert',
  'localTablestore',
  'closing',
];

/** Listens on the local socket of a state folder and gives each client its session. */
export class EngineServer {
  readonly sessions = new Set<Session>();
  #server: Server | undefined;
  #key: Buffer = Buffer.alloc(0);
  readonly #sockets = new Set<Socket>();

  constructor(
    private readonly paths: StatePaths,
    private readonly log: Log,
    private readonly hooks: ServerHooks,
  ) {}

  /** The caller holds the lock of the folder, so a socket file that is there is nobody's. */
  async listen(): Promise<void> {
    const socket = socketPath(this.paths.dir);
    this.#key = makeKey(this.paths.key);
    const windows = process.platform === 'win32';
    if (!windows) rmSync(socket, { force: true });
    const server = createServer((connection) => this.#accept(connection));
    this.#server = server;
    await new Promise<void>((done, failed) => {
      server.once('error', failed);
      server.listen(socket, done);
    });
    if (!windows) chmodSync(socket, 0o600);
    const address: EngineAddress = { pid: process.pid, protocolVersion };
    writeFileSync(this.paths.address, JSON.stringify(address), { mode: 0o600 });
  }

  broadcast<M extends keyof ClientApi>(method: M, ...args: Parameters<ClientApi[M]>): void {
    for (const session of this.sessions) {
      void session.client.$callEvent(method, ...(args as never)).catch(() => {});
    }
  }

  /**
   * Says goodbye and closes; clients take this for an orderly end. `comeBack`: the address stays, by which a window
   * that opens later sees that there is something to go on with.
   */
  async close(options: { comeBack: boolean }): Promise<void> {
    this.broadcast('closing');
    for (const socket of this.#sockets) socket.end();
    const server = this.#server;
    if (!server) return;
    if (!options.comeBack) rmSync(this.paths.address, { force: true });
    const closed = new Promise<void>((done) => server.close(() => done()));
    const patience = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, 500);
    await closed;
    clearTimeout(patience);
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    let session: Session | undefined;
    const local: Partial<EngineApi> = checkedCalls<Partial<EngineApi>>({
      hello: (hello) => {
        if (session) throw new RowferryError('ROW-E107', 'The client sent hello twice.');
        session = { kind: hello.kind, pid: hello.pid, client };
        const api = this.hooks.api(session);
        Object.assign(local, checkedCalls(api));
        this.sessions.add(session);
        this.hooks.attached(session);
        return Promise.resolve({
          protocolVersion,
          pid: process.pid,
          proof: prove(this.#key, hello.challenge),
          draining: this.hooks.draining(),
          methods: Object.keys(api) as (keyof OptionalApi)[],
        });
      },
    });
    const client = connectRpc<ClientApi, Partial<EngineApi>>(socket, local, {
      eventNames: clientEvents,
      onInternalError: (error) =>
        this.log.error(error instanceof Error ? (error.stack ?? error.message) : String(error)),
    });
    socket.on('error', () => {});
    socket.once('close', () => {
      this.#sockets.delete(socket);
      client.$close();
      if (!session) return;
      this.sessions.delete(session);
      this.hooks.detached(session);
    });
  }
}
