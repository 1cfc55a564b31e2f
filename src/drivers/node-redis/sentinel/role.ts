import { ErrorReply } from '@redis/client';
import { foreignText } from '../../../foreign/foreign-text.js';
import { ownError } from '../../../foreign/own-error.js';
import type { Address } from './address.js';

/**
 * Rejects when the server reports that it is not a master: Sentinels may be behind, and a former
 * master returns as a replica. A server that does not permit ROLE is assumed to be the master.
 */
export async function assertMaster(
  send: (args: readonly string[]) => Promise<unknown>,
  { host, port }: Address,
): Promise<void> {
  let reply: unknown;
  try {
    reply = await send(['ROLE']);
  } catch (error) {
    if (error instanceof ErrorReply) return;
    throw error;
  }
  const role = Array.isArray(reply) ? String(reply[0]) : 'master';
  if (role !== 'master') {
    const where = foreignText(`${host}:${port}`, 300);
    throw ownError(`${where} is not the master, its role is ${foreignText(role, 40)}`);
  }
}
