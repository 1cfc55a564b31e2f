import { randomBytes } from 'node:crypto';
import { proxyReply } from '../core/proxy-replies.js';
import { isError } from '../is-error.js';
import type { HealthCheckFunction } from './strategy.js';

/** Prefix that distinguishes the keys of the canary from those of an application. */
export const CANARY_PREFIX = '__redis-multidb:canary:';

/**
 * Checks the state that a reply reported, because PING answers PONG on a read-only replica, on a
 * cluster without its slots and on a full server. `undefined` if PING is enough (PING also gets
 * LOADING and BUSY). `proxyErrors`: further replies of proxies.
 */
export function stateCheckFor(
  stateWord: string,
  proxyErrors: readonly string[] = [],
): HealthCheckFunction | undefined {
  switch (stateWord) {
    case 'READONLY':
    case 'OOM':
    case 'MISCONF':
    case 'NOREPLICAS':
      return canWrite;
    case 'NO_UPSTREAM':
      return passesThrough(proxyErrors);
    case 'MASTERDOWN':
      return canRead;
    case 'CLUSTERDOWN':
    case 'TRYAGAIN':
      return hasSlots;
    default:
      return undefined;
  }
}

const canWrite = unlessForbidden(async (probe) => {
  const key = canaryKey();
  const keys = probe.shardTags?.map((tag) => `${key}:{${tag}}`) ?? [key];
  await Promise.all(keys.map((each) => probe.sendCommand(['SET', each, '', 'PX', '1000'])));
  return true;
});

const canRead = unlessForbidden(async (probe) => {
  await probe.sendCommand(['GET', canaryKey()]);
  return true;
});

/** A proxy answers PING by itself; a read it has to pass on. */
function passesThrough(proxyErrors: readonly string[]): HealthCheckFunction {
  return async (probe) => {
    try {
      await probe.sendCommand(['GET', canaryKey()]);
    } catch (error) {
      const text = isError(error) ? error.message : '';
      if (proxyReply(text, proxyErrors) !== undefined || !NO_ANSWER.test(text)) throw error;
    }
    return true;
  };
}

const hasSlots = unlessForbidden(async (probe) => {
  const info = String(await probe.sendCommand(['CLUSTER', 'INFO']));
  if (info.includes('cluster_state:fail')) throw new Error('cluster_state:fail');
  return true;
});

function canaryKey(): string {
  return CANARY_PREFIX + randomBytes(8).toString('hex');
}

/**
 * A reply with which the server refuses the question, by ACL or because it is not a cluster, says
 * nothing about the state. The server serves, as PING has shown.
 */
const NO_ANSWER = /^(NOPERM|MOVED|ASK|CROSSSLOT|WRONGTYPE|ERR(?! max number of clients)) /;

function unlessForbidden(check: HealthCheckFunction): HealthCheckFunction {
  return async (probe) => {
    try {
      return await check(probe);
    } catch (error) {
      if (isError(error) && NO_ANSWER.test(error.message)) return true;
      throw error;
    }
  };
}
