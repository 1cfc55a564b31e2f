import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { InvalidOptionError } from '../errors.js';
import type { AuthorizeRequest } from './options.js';

const VISIBLE_ASCII = /^[!-~]+$/;

/**
 * Returns an `authorize` function that allows requests with the token: as
 * `Authorization: Bearer <token>`, or as the password of HTTP Basic under any user name, which a
 * browser sends after the page's sign-in. Tokens are compared in constant time.
 *
 * `token` must be a non-empty string of visible ASCII characters. Anything else throws an
 * `InvalidOptionError` that does not contain the value, so an environment variable that is not set
 * ends the start-up instead of opening the handler.
 *
 * ```ts
 * createHttpHandler(client, { authorize: bearer(process.env.OPS_TOKEN) });
 * ```
 */
export function bearer(
  token: string | undefined,
): (request: Pick<AuthorizeRequest, 'headers'>) => boolean {
  if (typeof token !== 'string' || !VISIBLE_ASCII.test(token)) {
    const received = token === undefined || token === '' ? token : 'another value';
    throw new InvalidOptionError('token', 'visible ASCII characters, at least one', received);
  }
  // Digests under a random key have one length and reveal nothing about the texts.
  const key = randomBytes(32);
  const digest = (text: string) => createHmac('sha256', key).update(text).digest();
  const wanted = digest(token);
  return ({ headers }) => {
    const given = tokenOf(headers.authorization ?? '');
    return given !== undefined && timingSafeEqual(digest(given), wanted);
  };
}

function tokenOf(authorization: string): string | undefined {
  const [, scheme = '', value] = /^(Bearer|Basic) +(\S+)$/i.exec(authorization) ?? [];
  if (value === undefined || scheme.toLowerCase() === 'bearer') return value;
  const pair = Buffer.from(value, 'base64').toString();
  const colon = pair.indexOf(':');
  return colon === -1 ? undefined : pair.slice(colon + 1);
}
