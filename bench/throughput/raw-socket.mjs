// The ceiling: a socket that writes ready-made GETs, in one write for each turn of the event loop, and
// counts the replies with a minimal parser, which reads lengths and skips values. It makes one promise
// for each call, because every caller awaits one, and does nothing else that a client has to do: it
// encodes no command, makes no string of a reply, and notices no failure.

import { once } from 'node:events';
import net from 'node:net';

const GET = '*2\r\n$3\r\nGET\r\n$8\r\nbench:32\r\n';
const CARRIAGE_RETURN = 13;
const ZERO = 48;
/** After the length and its `\r`: `\n`, and `\r\n` behind the value. */
const FRAME_BYTES = 3;

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

  // A reply counts when its length has been read; what is left of its value may be in the next chunk.
  let skip = 0;
  let length = 0;
  let isInLength = false;
  socket.on('data', (chunk) => {
    let at = skip;
    while (at < chunk.length) {
      const byte = chunk[at] ?? 0;
      at += 1;
      if (!isInLength) {
        isInLength = true;
        length = 0;
      } else if (byte === CARRIAGE_RETURN) {
        isInLength = false;
        at += length + FRAME_BYTES;
        waiting[answered]?.();
        answered += 1;
      } else length = length * 10 + byte - ZERO;
    }
    skip = at - chunk.length;
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
