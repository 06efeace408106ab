import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TablestoreClient } from '../../../../src/tablestore/client/client.js';

/** Rule 12 at the wire: a body is whole only by a last byte that was sent while the lease was fresh. */
describe('a request under a lease', () => {
  let server: http.Server;
  let whole: number[];
  let broken: number;
  let slow: boolean;
  let client: TablestoreClient;
  let fresh: boolean;
  let asked: number;
  let confirm: () => Promise<void>;

  beforeEach(async () => {
    whole = [];
    broken = 0;
    slow = false;
    fresh = true;
    asked = 0;
    confirm = () => Promise.resolve();
    server = http.createServer((request, response) => {
      let bytes = 0;
      request.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (!slow) return;
        request.pause();
        setTimeout(() => request.resume(), 1);
      });
      request.on('error', () => broken++);
      request.on('end', () => {
        whole.push(bytes);
        response.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    client = new TablestoreClient(
      {
        endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        instance: 'i',
        accessKeyId: 'a',
        accessKeySecret: 's',
      },
      {
        lease: {
          isFresh: () => fresh,
          confirmed: () => {
            asked++;
            return confirm();
          },
        },
      },
    );
  });

  afterEach(() => {
    client.close();
    server.closeAllConnections();
    server.close();
  });

  it('is sent whole while it is fresh', async () => {
    await client.call('BulkImport', Buffer.alloc(5_000_000, 1));
    await client.call('BulkImport', Buffer.alloc(10, 1));
    expect([whole, asked]).toEqual([[5_000_000, 10], 0]);
  });

  it('waits for a confirmation before anything is sent', async () => {
    fresh = false;
    confirm = async () => {
      await delay(50);
      expect(whole).toEqual([]);
      fresh = true;
    };
    await client.call('DeleteTable', Buffer.alloc(10, 1));
    expect([whole, asked]).toEqual([[10], 1]);
  });

  it('never becomes whole when the lease ends while the body is under way, and is sent again', async () => {
    slow = true;
    const call = client.call('BulkImport', Buffer.alloc(20_000_000, 1));
    await delay(20);
    fresh = false;
    confirm = async () => {
      // What the system had taken has arrived.
      await expect.poll(() => broken).toBe(1);
      expect(whole).toEqual([]);
      slow = false;
      fresh = true;
    };
    await call;
    expect([whole, asked, broken]).toEqual([[20_000_000], 1, 1]);
  });

  it('fails with what the lease says when it is lost, and with the signal', async () => {
    fresh = false;
    confirm = () => Promise.reject(new Error('lost'));
    await expect(client.call('BatchWriteRow', Buffer.alloc(10))).rejects.toThrow('lost');
    confirm = () => new Promise(() => undefined);
    const stop = new AbortController();
    const call = client.call('BatchWriteRow', Buffer.alloc(10), { signal: stop.signal });
    stop.abort(new Error('stopped'));
    await expect(call).rejects.toThrow('stopped');
    expect(whole).toEqual([]);
  });

  it('needs none to read', async () => {
    fresh = false;
    await client.call('GetRange', Buffer.alloc(10));
    expect([whole, asked]).toEqual([[10], 0]);
  });
});
