/** What the tests of libraries share: no unhandled rejection, servers on loopback. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isMultiDbError } from 'redis-multidb';
import { afterEach, beforeEach, expect } from 'vitest';
import { turns } from '../../kit/index.js';

const unhandled: unknown[] = [];
const onRejection = (error: unknown) => void unhandled.push(error);

beforeEach(() => {
  unhandled.length = 0;
  process.on('unhandledRejection', onRejection);
});

afterEach(async () => {
  await turns(3);
  process.off('unhandledRejection', onRejection);
  expect(unhandled).toEqual([]);
});

/** Unhandled rejections of this test so far. */
export async function takeUnhandled(): Promise<unknown[]> {
  await turns(3);
  return unhandled.splice(0);
}

export async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export async function shut(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

/** At a switch only commands with an unknown outcome may fail. */
export function expectUnknownOnly(errors: readonly unknown[]): void {
  const others = errors.filter((error) => !isMultiDbError(error) || !error.maybeExecuted);
  expect(others).toEqual([]);
}
