import net, { type AddressInfo, type Socket } from 'node:net';

/** One connection to a server that need not keep to any rule. */
export class HostileSession {
  readonly socket: Socket;
  #sequence = 0;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  get isOpen(): boolean {
    return !this.socket.destroyed && this.socket.writable;
  }

  /** The next packet answers one of this number. */
  follows(sequence: number): void {
    this.#sequence = sequence + 1;
  }

  /** A packet whose header says what it likes. */
  packet(payload: Buffer, length = payload.length, sequence = this.#sequence++ & 255): void {
    if (!this.isOpen) return;
    const header = Buffer.from([length & 255, (length >> 8) & 255, (length >> 16) & 255, sequence]);
    this.socket.write(Buffer.concat([header, payload]));
  }

  greet(plugin = 'mysql_native_password', salt = 20): void {
    this.#sequence = 0;
    const capabilities = 0x008ff7ff;
    const fixed = Buffer.alloc(19);
    fixed.writeUInt32LE(7, 0);
    fixed.fill(1, 4, 12);
    fixed.writeUInt16LE(capabilities & 0xffff, 13);
    fixed[15] = 45;
    fixed.writeUInt16LE(2, 16);
    const rest = Buffer.alloc(13);
    rest.writeUInt16LE(capabilities >>> 16, 0);
    rest[2] = salt + 1;
    this.packet(
      Buffer.concat([
        Buffer.from('\x0a9.7.0-hostile\0'),
        fixed.subarray(0, 18),
        rest,
        Buffer.alloc(Math.max(0, salt - 8), 1),
        Buffer.from(`\0${plugin}\0`),
      ]),
    );
  }

  ok(): void {
    this.packet(Buffer.from([0, 0, 0, 2, 0, 0, 0]));
  }

  end(status = 2): void {
    this.packet(Buffer.from([0xfe, 0, 0, status, 0]));
  }

  error(errno: number, text: string): void {
    this.packet(Buffer.concat([Buffer.from([0xff, errno & 255, errno >> 8]), Buffer.from(`#HY000${text}`)]));
  }

  switchTo(plugin: string, data = Buffer.alloc(21, 1)): void {
    this.packet(Buffer.concat([Buffer.from([0xfe]), Buffer.from(`${plugin}\0`), data]));
  }

  column(name: string, type = 0xfd): void {
    const text = (value: string) => Buffer.concat([lengthOf(Buffer.byteLength(value)), Buffer.from(value)]);
    const fixed = Buffer.from([0x0c, 45, 0, 0xff, 0xff, 0, 0, type, 0, 0, 0, 0, 0]);
    this.packet(Buffer.concat([...['def', '', '', '', name, name].map(text), fixed]));
  }

  rows(names: readonly string[], rows: readonly (readonly (string | null)[])[]): void {
    this.packet(lengthOf(names.length));
    for (const name of names) this.column(name);
    this.end();
    for (const row of rows) this.row(row);
    this.end();
  }

  row(values: readonly (string | null)[]): void {
    const cells = values.map((value) =>
      value === null
        ? Buffer.from([0xfb])
        : Buffer.concat([lengthOf(Buffer.byteLength(value)), Buffer.from(value)]),
    );
    this.packet(Buffer.concat(cells));
  }

  /** Calls `send` for as long as the other side takes it. */
  async forEver(send: () => void): Promise<void> {
    while (this.isOpen) {
      send();
      if (!this.socket.writableNeedDrain) await new Promise((settle) => setImmediate(settle));
      else
        await new Promise<void>((settle) => {
          this.socket.once('drain', settle);
          this.socket.once('close', settle);
        });
    }
  }

  /** One byte of `bytes` after the other, again and again. */
  drip(bytes: Buffer, everyMillis = 200): void {
    let at = 0;
    const timer = setInterval(() => {
      if (!this.isOpen) return clearInterval(timer);
      this.socket.write(bytes.subarray(at, at + 1));
      at = (at + 1) % bytes.length;
    }, everyMillis);
  }
}

export function lengthOf(value: number): Buffer {
  if (value < 251) return Buffer.from([value]);
  if (value < 0x10000) return Buffer.from([0xfc, value & 255, value >> 8]);
  if (value < 0x1000000) return Buffer.from([0xfd, value & 255, (value >> 8) & 255, value >> 16]);
  const long = Buffer.alloc(9);
  long[0] = 0xfe;
  long.writeBigUInt64LE(BigInt(value), 1);
  return long;
}

export interface Misdeeds {
  /** In place of a greeting. */
  readonly connect?: (session: HostileSession) => unknown;
  /** In place of letting everybody in. */
  readonly login?: (session: HostileSession) => unknown;
  /** The answer to a statement; undefined: what a MySQL would answer, more or less. */
  readonly query?: (session: HostileSession, sql: string) => unknown;
}

export interface HostileMysql {
  readonly port: number;
  /** Statements that came, in order. */
  readonly asked: string[];
  /** Bytes that came, of all connections. */
  readonly heard: Buffer[];
  stop(): Promise<void>;
}

const comQuery = 3;
const facts = [
  ['version', '9.7.0'],
  ['server_uuid', '00000000-0000-0000-0000-000000000001'],
  ['server_id', '1'],
  ['gtid_mode', 'OFF'],
  ['log_bin', 'ON'],
  ['binlog_format', 'ROW'],
  ['binlog_row_image', 'FULL'],
  ['binlog_row_metadata', 'FULL'],
  ['binlog_checksum', 'CRC32'],
  ['lower_case_table_names', '0'],
];

/** A server that speaks MySQL's protocol until it is told to do otherwise. */
export async function startHostileMysql(misdeeds: Misdeeds): Promise<HostileMysql> {
  const sockets = new Set<Socket>();
  const asked: string[] = [];
  const heard: Buffer[] = [];
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    const session = new HostileSession(socket);
    if (misdeeds.connect) return void misdeeds.connect(session);
    session.greet();
    let pending = Buffer.alloc(0);
    let isIn = false;
    socket.on('data', (chunk) => {
      heard.push(chunk);
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= 4 && pending.length >= 4 + pending.readUIntLE(0, 3)) {
        const payload = pending.subarray(4, 4 + pending.readUIntLE(0, 3));
        const sequence = pending[3]!;
        pending = pending.subarray(4 + payload.length);
        session.follows(sequence);
        take(payload);
      }
    });
    const take = (payload: Buffer): void => {
      if (!isIn) {
        isIn = true;
        if (misdeeds.login) return void misdeeds.login(session);
        return session.ok();
      }
      if (payload[0] !== comQuery) return;
      const sql = payload.toString('utf8', 1);
      asked.push(sql);
      const own = misdeeds.query?.(session, sql);
      if (own !== undefined) return;
      if (/^SET\b/i.test(sql)) session.ok();
      else if (/^SHOW GLOBAL VARIABLES/i.test(sql)) session.rows(['Variable_name', 'Value'], facts);
      else if (/AS micros/.test(sql)) session.rows(['micros'], [[String(Date.now() * 1000)]]);
      else session.rows(['none'], []);
    };
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    heard,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
