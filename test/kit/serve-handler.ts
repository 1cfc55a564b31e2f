import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ServedHandler {
  readonly port: number;
  /** Without the base path of the handler. */
  readonly url: string;
  readonly server: Server;
  /** Ends the streams of the handler and the server. */
  close(): Promise<void>;
}

/** Serves a handler over HTTP on a free port. `listener`: what calls it, such as an application. */
export async function serveHandler(
  handler: RequestListener & { close(): void },
  listener: RequestListener = handler,
): Promise<ServedHandler> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    server,
    close: () => {
      handler.close();
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
