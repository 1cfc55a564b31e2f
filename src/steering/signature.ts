import { createHmac, timingSafeEqual } from 'node:crypto';
import { InvalidSteeringError } from '../errors.js';

const HEAD = /^hmac-sha256 ([0-9a-f]{64})\n/;

/** The value to write: the document, behind its signature if there is a secret. */
export function signed(document: string, key: string, secret: string | undefined): string {
  if (secret === undefined) return document;
  return `hmac-sha256 ${hmac(document, key, secret)}\n${document}`;
}

/**
 * The document in a value. With a secret, throws `InvalidSteeringError` unless the signature is that
 * of this document for this key. Without one, a signature is not looked at.
 */
export function verified(value: string, key: string, secret: string | undefined): string {
  const [head = '', signature = ''] = HEAD.exec(value) ?? [];
  const document = value.slice(head.length);
  if (secret === undefined) return document;
  const isValid =
    signature !== '' &&
    timingSafeEqual(Buffer.from(signature), Buffer.from(hmac(document, key, secret)));
  if (isValid) return document;
  const received = signature === '' ? 'none' : 'another one';
  throw new InvalidSteeringError('', 'a document with the signature of the secret', received);
}

/** The key is signed as well, so that a value can't be moved to another key. */
function hmac(document: string, key: string, secret: string): string {
  return createHmac('sha256', secret).update(`${key}\n${document}`).digest('hex');
}
