// The ceiling: a socket that writes ready-made GETs and counts the replies. It makes one promise for
// each call, because every caller awaits one, and does nothing else that a client has to do: it
// encodes no command, decodes no reply, and notices no failure.

import { once } from 'node:events';
import net from 'node:net';

const GET = '*2\r\n$3\r\nGET\r\n$8\r\nbench:32\r\n';
/** `$32\r\n`, the value, and `\r\n`. */
const REPLY_BYTES = 39;

/** @param {readonly string[]} urls */
export async function rawSocket([url = '']) {
  const { hostname, port } = new URL(url);
  const open = async () => {
    const opened = net.connect({ host: hostname, port: Number(port), noDelay: true });
    await once(opened, 'connect');
    return opened;
  };
  const socket = await open();
  /** @type {(() => void)[]} */
  let waiting = [];
  let answered = 0;
  let unwritten = 0;
  let bytes = 0;

  socket.on('data', ({ length }) => {
    bytes += length;
    const end = answered + Math.floor(bytes / REPLY_BYTES);
    bytes %= REPLY_BYTES;
    for (; answered < end; answered += 1) waiting[answered]?.();
    if (answered < 10_000) return;
    waiting = waiting.slice(answered);
    answered = 0;
  });
  const write = () => {
    socket.write(GET.repeat(unwritten), 'latin1');
    unwritten = 0;
  };
  const get = (/** @type {() => void} */ resolve) => {
    waiting.push(resolve);
    unwritten += 1;
    if (unwritten === 1) setImmediate(write);
  };

  return {
    /** @returns {Promise<void>} */
    get: () => new Promise(get),
    /** @param {string} key @param {string} value */
    async set(key, value) {
      const other = await open();
      other.write(`SET ${key} ${value}\r\n`);
      await once(other, 'data');
      other.destroy();
    },
  };
}
