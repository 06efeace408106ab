import type { IncomingMessage } from 'node:http';
import { OtsError } from '../base/errors.js';

/**
 * The whole body. Throws OtsError when it is longer than `limit`, without reading the rest.
 */
export function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const tooLarge = (): OtsError => new OtsError('OTSRequestBodyTooLarge', 'The request body is too large.');
    if (Number(request.headers['content-length'] ?? 0) > limit) {
      reject(tooLarge());
      return;
    }
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > limit) {
        request.pause();
        reject(tooLarge());
        return;
      }
      chunks.push(chunk);
    });
    request.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length)));
    request.on('error', reject);
    request.on('close', () => reject(new Error('The client disconnected.')));
  });
}
