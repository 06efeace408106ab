import net, { type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startLocalTablestore } from '../../src/local-tablestore/index.js';
import { TablestoreClient } from '../../src/tablestore/client/client.js';
import { TablestoreError } from '../../src/tablestore/client/errors.js';
import {
  batchGetRow,
  describeTable,
  getRange,
  getRow,
  keyBounds,
  listTables,
} from '../../src/tablestore/client/operations.js';
import { ProtobufWriter } from '../../src/tablestore/wire/protobuf.js';
import { contentMd5, signResponse } from '../../src/tablestore/wire/signature.js';
import { fuzz } from '../support/fuzz.js';

/** What answers at the address of a destination need not be Tablestore, or not a friendly one. */
const servers: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

/** A server that answers each request as it likes: `answer` gets the socket once the request's head and body are in. */
async function hostile(answer: (socket: Socket) => unknown): Promise<TablestoreClient> {
  const sockets = new Set<Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.once('data', () => void answer(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client = new TablestoreClient(
    { endpoint: `http://127.0.0.1:${port}`, instance: 'i', accessKeyId: 'id', accessKeySecret: 'secret' },
    { requestTimeoutMs: 2000 },
  );
  servers.push({
    async close() {
      client.close();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  });
  return client;
}

const respond = (socket: Socket, body: Buffer, headers: readonly string[] = [], status = '200 OK') =>
  socket.end(
    Buffer.concat([
      Buffer.from([`HTTP/1.1 ${status}`, `content-length: ${body.length}`, ...headers, '', ''].join('\r\n')),
      body,
    ]),
  );

async function refused(work: Promise<unknown>): Promise<TablestoreError> {
  const error: unknown = await work.then(
    () => new Error('nothing was refused'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(TablestoreError);
  expect((error as Error).message.length).toBeLessThan(2200);
  return error as TablestoreError;
}

const endless = async (socket: Socket) => {
  socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
  const part = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(0x100000, 1), Buffer.from('\r\n')]);
  while (!socket.destroyed)
    if (!socket.write(part))
      await new Promise<void>((settle) => {
        socket.once('drain', settle);
        socket.once('close', settle);
      });
};

describe('a hostile Tablestore', () => {
  it('a body without end is given up, of a write soon', async () => {
    const client = await hostile(endless);
    expect((await refused(listTables(client))).message).toMatch(/longer than 32 MiB/);
    expect((await refused(client.call('BatchWriteRow', Buffer.alloc(1)))).message).toMatch(
      /longer than 1 MiB/,
    );
  });

  it('a body that drips, and one that is shorter than it says, end with the time of the request', async () => {
    const drips = await hostile((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n');
      const timer = setInterval(() => (socket.destroyed ? clearInterval(timer) : socket.write('x')), 50);
    });
    expect(await refused(listTables(drips))).toMatchObject({ code: 'ROW-D101', service: 'Timeout' });
    const short = await hostile((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nabc'));
    expect(await refused(listTables(short))).toMatchObject({ code: 'ROW-D101', service: 'Interrupted' });
  });

  it('headers without end, what is no HTTP, and a redirect are no answer', async () => {
    const headers = await hostile((socket) =>
      socket.end(`HTTP/1.1 200 OK\r\nx: ${'a'.repeat(1 << 20)}\r\n\r\n`),
    );
    expect(await refused(listTables(headers))).toMatchObject({ code: 'ROW-D101' });
    const noHttp = await hostile((socket) => socket.end('\x0a9.7.0\0'));
    expect(await refused(listTables(noHttp))).toMatchObject({ code: 'ROW-D101' });
    const elsewhere = await hostile((socket) =>
      respond(socket, Buffer.alloc(0), ['location: http://169.254.169.254/'], '302 Found'),
    );
    expect(await refused(listTables(elsewhere))).toMatchObject({ code: 'ROW-D108', status: 302 });
  });

  it('a message of megabytes, or one that steers a terminal, is said as a sentence', async () => {
    const error = new ProtobufWriter();
    error.string(1, 'OTSAuthFailed');
    error.string(2, `\x1b[2J\u202e${'<b>'.repeat(1_000_000)}`);
    const client = await hostile((socket) => respond(socket, error.finish(), [], '403 Forbidden'));
    const { message, code } = await refused(listTables(client));
    expect(code).toBe('ROW-D102');
    expect(message).not.toMatch(/[\x00-\x1f\u202e]/);
  });

  it('an answer whose digest or signature is another one is refused', async () => {
    const body = Buffer.from([0x0a, 1, 0x61]);
    const digest = `x-ots-contentmd5: ${contentMd5(body)}`;
    const sign = (secret: string) =>
      `authorization: ${signResponse('id', secret, '/ListTable', [['x-ots-contentmd5', contentMd5(body)]])}`;
    const right = await hostile((socket) => respond(socket, body, [digest, sign('secret')]));
    expect(await listTables(right)).toEqual(['a']);
    const damaged = await hostile((socket) => respond(socket, Buffer.from([0x0a, 1, 0x62]), [digest]));
    expect((await refused(listTables(damaged))).message).toMatch(/does not match its digest/);
    const forged = await hostile((socket) => respond(socket, body, [digest, sign('other')]));
    expect((await refused(listTables(forged))).message).toMatch(/not signed with the AccessKey/);
  });

  it('a page that leads to itself is not read for ever', async () => {
    const { start, end } = keyBounds(['id']);
    const page = new ProtobufWriter();
    page.block(3, start);
    const client = await hostile((socket) => respond(socket, page.finish()));
    expect((await refused(getRange(client, { table: 't', start, end }))).message).toMatch(/the same page/);
  });

  it('the embedded server signs what it answers so that it is believed', async () => {
    const store = await startLocalTablestore({ data: ':memory:' });
    servers.push(store);
    const { accessKeyId, accessKeySecret, url } = store;
    const client = new TablestoreClient({ endpoint: url, instance: 'local', accessKeyId, accessKeySecret });
    expect(await listTables(client)).toEqual([]);
    expect(await describeTable(client, 'none')).toBeNull();
    client.close();
  });

  let answer = Buffer.alloc(0);
  const { start, end } = keyBounds(['id']);
  const questions = [
    (client: TablestoreClient) => listTables(client),
    (client: TablestoreClient) => describeTable(client, 't'),
    (client: TablestoreClient) => getRow(client, 't', start),
    (client: TablestoreClient) => getRange(client, { table: 't', start, end }),
    (client: TablestoreClient) => batchGetRow(client, 't', [start, end]),
  ];
  fuzz('any bytes are an answer or refused, with a code', async (chance) => {
    const client = await hostile((socket) =>
      respond(socket, answer, [], chance.of(['200 OK', '400 Bad', '503 No'])),
    );
    try {
      const bytes = Array.from({ length: chance.below(60) }, () =>
        chance.of([8, 10, 18, 26, 1, 2, 3, chance.below(256)]),
      );
      const page = new ProtobufWriter();
      page.block(
        chance.of([2, 3, 4]),
        chance.once(2) ? Buffer.from([0x75, 0, 0, 0, 1, 3, 4, ...bytes]) : start,
      );
      answer = chance.once(2) ? Buffer.from(bytes) : Buffer.from(page.finish());
      await chance
        .of(questions)(client)
        .catch((error: unknown) => {
          if (!(error instanceof TablestoreError)) throw error;
        });
    } finally {
      await servers.pop()!.close();
    }
  });
});
