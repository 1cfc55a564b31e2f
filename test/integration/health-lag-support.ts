/** What the tests of LagAwareStrategy share; each ends its servers and strategies by itself. */
import { LagAwareStrategy, type LagAwareStrategyOptions } from 'redis-multidb';
import { afterEach, beforeAll } from 'vitest';
import { type Certificates, makeCertificates } from './health-certificates.js';
import { probeOf } from './health-probe.js';
import { type RestServer, startRestServer } from './health-rest-server.js';
import { errorOf } from './support.js';

export const HOST = 'redis-14000.east.example.com';
export const LAG = '?extend_check=lag&availability_lag_tolerance_ms=5000';

export let certificates: Certificates;
const restServers: RestServer[] = [];
/** Closed after the test. */
export const strategies: LagAwareStrategy[] = [];

beforeAll(() => {
  certificates = makeCertificates();
});

afterEach(async () => {
  for (const strategy of strategies.splice(0)) strategy.close();
  await Promise.all(restServers.splice(0).map((each) => each.close()));
});

export async function rest(
  ...args: Partial<Parameters<typeof startRestServer>>
): Promise<RestServer> {
  const server = await startRestServer(args[0] ?? certificates.server, args[1]);
  restServers.push(server);
  server.databases = [
    { uid: 1, endpoints: [{ dns_name: 'other.example.com', addr: ['10.0.0.1'], port: 14000 }] },
    { uid: 7, endpoints: [{ dns_name: HOST, addr: ['10.0.0.2', '10.0.0.3'], port: 14000 }] },
  ];
  return server;
}

export function lagAware(
  server: RestServer,
  options: LagAwareStrategyOptions = {},
): LagAwareStrategy {
  const strategy = new LagAwareStrategy({
    restUrl: server.url,
    credentials: server.credentials,
    ...options,
    tls: { ca: certificates.ca, ...options.tls },
  });
  strategies.push(strategy);
  return strategy;
}

export async function reasonOf(strategy: LagAwareStrategy, probe = probeOf({ host: HOST })) {
  return (await errorOf(Promise.resolve(strategy.check(probe)))).message;
}
