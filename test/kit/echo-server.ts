/** A server that answers every command with an error that repeats what it was sent. */

import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';

export type Echo = (command: string) => string;

const oneLine = (text: string) => text.replace(/[\r\n]+/g, ' ');

/** The wordings of servers and proxies, and what a hostile one may make of a password. */
export const ECHOES: readonly Echo[] = [
  (sent) => `ERR unknown command 'HELLO', with args beginning with: ${oneLine(sent)}`,
  (sent) => `ERR unknown command \`HELLO\`, with args beginning with: ${oneLine(sent)}`,
  (sent) => `ERR denied ${oneLine(sent)}`,
  (sent) => `LOADING \u001b]0;${oneLine(sent)}\u0007 ${'x'.repeat(200_000)}${oneLine(sent)}`,
  (sent) => `NOPERM ${JSON.stringify(sent)} ${encodeURIComponent(sent)}`,
  (sent) =>
    `ERR ${sent
      .split('\r\n')
      .map((part) => Buffer.from(part).toString('base64'))
      .join(' ')}`,
];

export interface EchoServer {
  readonly port: number;
  close(): void;
}

export async function startEchoServer(echo: Echo): Promise<EchoServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      const sent = chunk.toString();
      const commands = sent.match(/^\*\d+\r$/gm)?.length ?? 1;
      for (let index = 0; index < commands; index++) socket.write(`-${echo(sent)}\r\n`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
