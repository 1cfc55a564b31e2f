/**
 * What each consumer of the package compiles and runs: a client of two real servers, of which the
 * active one is killed. `EAST_URL`, `EAST_PID` and `WEST_URL` name them.
 */
import { once } from 'node:events';
import {
  ClientClosedError,
  createMultiDbClient,
  isMultiDbError,
  MultiDbError,
  openClients,
  type SwitchEvent,
} from 'redis-multidb';

function need(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(`not true: ${what}`);
}

/** Resolves to one line for each switch. */
export async function failover(): Promise<string> {
  const client = createMultiDbClient({
    databases: [
      { id: 'east', weight: 1, client: { url: need('EAST_URL') } },
      { id: 'west', weight: 0.5, client: { url: need('WEST_URL') } },
    ],
  });
  const switches: string[] = [];
  client.on('switch', ({ from, to, reason }: SwitchEvent) => {
    switches.push(`${from} -> ${to}: ${reason}`);
  });
  await client.connect();
  check(openClients().length === 1, 'one client is open');
  await client.set('key', 'east');
  const reads: Promise<string | null>[] = [];
  const unhealthy = once(client, 'database-unhealthy');
  const failedOver = once(client, 'failover');
  process.kill(Number(need('EAST_PID')), 'SIGKILL');
  for (let index = 0; index < 100; index += 1) reads.push(client.get('key'));
  await failedOver;
  const [{ cause }] = (await unhealthy) as [{ cause: unknown }];
  // An error of Node.js is no instance of Jest's `Error`, and is shown like any other all the same.
  check(!String(cause).includes('Error:'), `a cause in words: ${String(cause)}`);
  // No read fails, wherever it was when the server was killed.
  await Promise.all(reads);
  await client.set('key', 'west');
  check((await client.get('key')) === 'west', 'the other database serves');
  await client.close();
  const error: unknown = await client.get('key').catch((thrown: unknown) => thrown);
  check(error instanceof ClientClosedError, 'instanceof holds for the class');
  check(error instanceof MultiDbError && isMultiDbError(error), 'instanceof holds for the base');
  check((error as Error).name === 'ClientClosedError', `name: ${(error as Error).name}`);
  check(openClients().length === 0, 'no client is open');
  return switches.join('\n');
}
