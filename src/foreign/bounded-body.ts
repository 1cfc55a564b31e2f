import type { IncomingMessage } from 'node:http';
import { ownError } from './own-error.js';

/**
 * The body of a response as text. Rejects when it is longer than `maxBytes` or was cut off; what is
 * left of the response is then up to the caller.
 */
export function boundedBody(response: IncomingMessage, maxBytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBytes) chunks.push(chunk);
      else reject(ownError(`the response is longer than ${maxBytes} bytes`));
    });
    response.on('error', () => reject(ownError('the response was cut off')));
    response.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
  });
}
