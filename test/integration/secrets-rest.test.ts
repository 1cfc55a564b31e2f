/** A REST server repeats the credentials of `LagAwareStrategy` in every place of an answer. */
import { inspect } from 'node:util';
import type { LagAwareStrategyOptions } from 'redis-multidb';
import { expect, it } from 'vitest';
import { HOST, lagAware, rest } from './health-lag-support.js';
import { probeOf } from './health-probe.js';
import { json, type RestFault } from './health-rest-server.js';
import { errorOf } from './support.js';

const MARK = 'pLanTed';
const password = `${MARK}-password "q' é\\/%+@:end`;

const sentTo = (request: Parameters<RestFault>[0]) => {
  const { authorization = '' } = request.headers;
  const decoded = Buffer.from(authorization.replace('Basic ', ''), 'base64').toString();
  return { authorization, decoded };
};
const ANSWERS: Readonly<Record<string, RestFault>> = {
  'the header in the body': (request, response) => {
    const { authorization } = sentTo(request);
    json(response, 500, { error_code: 'no', description: `refused: ${authorization}` });
  },
  'the pair in the body': (request, response) => {
    const { decoded } = sentTo(request);
    json(response, 500, { error_code: decoded, description: JSON.stringify({ decoded }) });
  },
  'a redirect': (request, response) => {
    const { authorization } = sentTo(request);
    const location = `https://${MARK}-host.example.com/${encodeURIComponent(authorization)}`;
    response.writeHead(302, { location }).end();
  },
  'a status line': (request, response) => {
    const { authorization } = sentTo(request);
    response.writeHead(500, authorization).end();
  },
  'no HTTP at all': (request, response) => {
    response.socket?.end(`${sentTo(request).authorization}\r\n\r\n`);
  },
  'a text': (request, response) => {
    response.end(sentTo(request).decoded);
  },
};
const credentials = { username: 'app', password };

it.each(
  Object.entries(ANSWERS).flatMap(([name, act]) => [
    [name, act, credentials] as const,
    [`${name}, a function`, act, async () => credentials] as const,
  ]),
)('%s', async (_, act, given) => {
  const server = await rest();
  server.fault = { path: /./, act };
  const options: LagAwareStrategyOptions = { credentials: given };
  // A host that the redirect names is a secret as well.
  const own = { ...options, tls: { passphrase: `${MARK}-host` } };
  const error = await errorOf(
    Promise.resolve(lagAware(server, own).check(probeOf({ host: HOST }))),
  );
  const shown = inspect(error, { showHidden: true, depth: 12, maxStringLength: null });
  for (const text of [shown, JSON.stringify(error), String(error), error.stack ?? '']) {
    expect(text.toLowerCase()).not.toContain(MARK.toLowerCase());
    expect(text).not.toContain(Buffer.from(`app:${MARK}`).toString('base64').slice(0, 12));
  }
});

it('a function that fails with what it knows', async () => {
  const server = await rest();
  const strategy = lagAware(server, {
    credentials: async () => {
      throw Object.assign(new Error('vault is sealed'), { config: { token: password } });
    },
  });
  const error = await errorOf(Promise.resolve(strategy.check(probeOf({ host: HOST }))));
  expect(error.message).toContain('vault is sealed');
  expect(inspect(error, { depth: 12 })).not.toContain(MARK);
});
