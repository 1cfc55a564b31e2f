// What node-redis needs for a command if nothing is done that it does not require: its method, its
// encoder, its queue and its parser, with one record for each command and joined writes. No client on
// top of node-redis can need less. It has no deadline, notices no failure and handles no error.

import { createClient } from '@redis/client';

/** As in src/drivers/node-redis/outbox.ts. */
const CHUNK_LENGTH = 16_384;
const NO_MAPPING = {};

/** A command in node-redis's queue, which the caller of node-redis's method awaits. */
class Entry {
  /** @type {unknown} */
  reply;
  /** @param {readonly string[]} args */
  constructor(args) {
    this.args = args;
    /** @type {(reply: unknown) => void} */
    this.resolve = keep;
    /** @type {(error: unknown) => void} */
    this.reject = keep;
  }

  /** @param {(reply: unknown) => void} resolve @param {(error: unknown) => void} reject */
  // biome-ignore lint/suspicious/noThenProperty: to be awaited is what it is for.
  then(resolve, reject) {
    this.resolve = resolve;
    this.reject = reject;
  }

  get typeMapping() {
    return NO_MAPPING;
  }

  get chainId() {
    return undefined;
  }

  set chainId(_cleared) {}
}
Object.assign(Entry.prototype, {
  abort: undefined,
  timeout: undefined,
  channelsCounter: undefined,
});

/** @this {Entry} @param {unknown} reply */
function keep(reply) {
  this.reply = reply;
}

/** @param {readonly string[]} urls */
export async function nodeRedisOnly([url]) {
  const client = createClient({ url, commandOptions: { timeout: 0 } });
  client.on('error', () => {});
  await client.connect();
  /** @type {any} */
  const queue = client._getQueue();
  const isQueueWaiting = queue.isWaitingToWrite.bind(queue);
  const commandsToWrite = queue.commandsToWrite.bind(queue);
  /** @type {Entry[]} */
  let waiting = [];

  function* chunks() {
    let text = '';
    while (isQueueWaiting() || waiting.length > 0) {
      queue.prependCommandsToWrite(waiting);
      waiting = [];
      for (const encoded of commandsToWrite()) {
        for (const part of encoded) text += part;
        if (text.length < CHUNK_LENGTH) continue;
        yield [text];
        text = '';
      }
    }
    if (text !== '') yield [text];
  }
  queue.isWaitingToWrite = () => waiting.length > 0 || isQueueWaiting();
  queue.commandsToWrite = chunks;
  const execute = (/** @type {unknown} */ _command, /** @type {any} */ { redisArgs }) => {
    const entry = new Entry(redisArgs);
    waiting.push(entry);
    if (waiting.length === 1) client._unpause();
    return entry;
  };
  // The methods are those of a client that never connects, as in this package.
  const methods = createClient({ commandOptions: { timeout: 0 } });
  Object.assign(/** @type {any} */ (methods)._self, { _executeCommand: execute });
  return methods;
}
