/** How each kind of operation is asked of a client, and what it is to the checker. */
import type { MultiDbClient, RetrySafety } from 'redis-multidb';
import { type Kind, numericToken, type Operation, token } from './history.js';

/** Asks for an operation; what a planted fault stands in front of. */
export type Perform = (client: MultiDbClient, operation: Operation) => Promise<unknown>;

/** The checker's own opinion; it does not ask the client's table. */
export const CATEGORY: Readonly<Record<Kind, RetrySafety | 'never'>> = {
  incr: 'accumulating',
  lpush: 'accumulating',
  rpush: 'accumulating',
  set: 'last-write-wins',
  'set-nx': 'checked-write',
  hset: 'last-write-wins',
  xadd: 'accumulating',
  'xadd-id': 'checked-write',
  multi: 'never',
  transaction: 'never',
  mget: 'read',
  lrange: 'read',
  hmget: 'read',
};

export const LATEST = 'latest';

export const perform: Perform = (client, operation) => {
  const { id, kind, target } = operation;
  const own = token(id);
  switch (kind) {
    case 'incr':
      return client.incr(`i:${own}`);
    case 'lpush':
      return client.lPush(`lp:${target}`, own);
    case 'rpush':
      return client.rPush(`rp:${target}`, own);
    case 'set':
      return client.set(`r:${target}`, own);
    case 'set-nx':
      return client.sendCommand(['SET', `n:${own}`, own, 'NX']);
    case 'hset':
      return client.hSet(`h:${target}`, { [own]: own, [LATEST]: own });
    case 'xadd':
      return client.xAdd(`x:${target}`, '*', { token: own });
    case 'xadd-id':
      return client.xAdd(`y:${own}`, '1-1', { token: own });
    case 'multi':
      return client
        .multi()
        .incr(`m:{${own}}:n`)
        .rPush(`m:{${own}}:l`, own)
        .set(`m:{${own}}:s`, own)
        .exec();
    case 'transaction':
      return client.transaction(`m:{${own}}:s`, (tx) =>
        tx.multi().incr(`m:{${own}}:n`).rPush(`m:{${own}}:l`, own).set(`m:{${own}}:s`, own),
      );
    case 'mget':
      // One hash slot, on a cluster.
      return client.mGet([`r:${target}`, `{r:${target}}${own}`]);
    case 'lrange':
      return client.sendCommand(['LRANGE', `rp:${target}`, '-10', numericToken(id)]);
    case 'hmget':
      return client.hmGet(`h:${target}`, [LATEST, own]);
  }
};
