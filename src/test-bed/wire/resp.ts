/**
 * A small RESP2/RESP3 codec of the kit's own, so that what a test checks does not pass through the
 * client under test.
 */

/** An error reply. Its message is the whole line, its `code` the first word. */
export class RespError extends Error {
  override readonly name = 'RespError';

  /** The first word of the reply. */
  get code(): string {
    return this.message.split(' ', 1)[0] as string;
  }
}

/** An out-of-band push of RESP3. */
export class RespPush {
  /** Its elements. */
  readonly items: readonly Reply[];

  constructor(items: readonly Reply[]) {
    this.items = items;
  }
}

/** A reply: strings are decoded as UTF-8; errors are values, not thrown. */
export type Reply =
  | string
  | number
  | bigint
  | boolean
  | null
  | RespError
  | RespPush
  | Reply[]
  | Map<Reply, Reply>;

/** One argument of a command. */
export type CommandArgument = string | number | Buffer;

/** A command as an array of bulk strings. */
export function encodeCommand(args: readonly CommandArgument[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${args.length}\r\n`)];
  for (const arg of args) {
    const bytes = Buffer.isBuffer(arg) ? arg : Buffer.from(String(arg));
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, CRLF);
  }
  return Buffer.concat(parts);
}

/** Turns a stream of bytes into replies. An incomplete reply is parsed again with the next chunk. */
export class RespParser {
  #buffer: Buffer = Buffer.alloc(0);
  #offset = 0;

  /** The replies completed by `chunk`. Throws on bytes that are not RESP. */
  push(chunk: Buffer): Reply[] {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    const replies: Reply[] = [];
    for (;;) {
      this.#offset = 0;
      const reply = this.#value();
      if (reply === INCOMPLETE) return replies;
      replies.push(reply);
      this.#buffer = this.#buffer.subarray(this.#offset);
    }
  }

  #line(): string | typeof INCOMPLETE {
    const end = this.#buffer.indexOf(CRLF, this.#offset);
    if (end === -1) return INCOMPLETE;
    const line = this.#buffer.toString('utf8', this.#offset, end);
    this.#offset = end + 2;
    return line;
  }

  #value(): Reply | typeof INCOMPLETE {
    const line = this.#line();
    if (line === INCOMPLETE) return INCOMPLETE;
    const rest = line.slice(1);
    switch (line[0]) {
      case '+':
        return rest;
      case '-':
        return new RespError(rest);
      case ':':
      case ',':
        return Number(rest);
      case '(':
        return BigInt(rest);
      case '#':
        return rest === 't';
      case '_':
        return null;
      case '$':
        return this.#bulk(Number(rest));
      case '!':
        return map(this.#bulk(Number(rest)), (text) => new RespError(String(text)));
      case '=':
        return map(this.#bulk(Number(rest)), (text) => String(text).slice(4));
      case '*':
      case '~':
        return rest === '-1' ? null : this.#items(Number(rest));
      case '>':
        return map(this.#items(Number(rest)), (items) => new RespPush(items));
      case '%':
        return map(this.#items(2 * Number(rest)), pairs);
      case '|':
        return this.#items(2 * Number(rest)) === INCOMPLETE ? INCOMPLETE : this.#value();
      default:
        throw new Error(`Not RESP: ${JSON.stringify(line.slice(0, 80))}`);
    }
  }

  #bulk(length: number): string | null | typeof INCOMPLETE {
    if (length === -1) return null;
    const end = this.#offset + length;
    if (this.#buffer.length < end + 2) return INCOMPLETE;
    const text = this.#buffer.toString('utf8', this.#offset, end);
    this.#offset = end + 2;
    return text;
  }

  #items(count: number): Reply[] | typeof INCOMPLETE {
    const items: Reply[] = [];
    while (items.length < count) {
      const item = this.#value();
      if (item === INCOMPLETE) return INCOMPLETE;
      items.push(item);
    }
    return items;
  }
}

const INCOMPLETE = Symbol('incomplete');
const CRLF = Buffer.from('\r\n');

function map<T, U>(value: T | typeof INCOMPLETE, fn: (value: T) => U): U | typeof INCOMPLETE {
  return value === INCOMPLETE ? INCOMPLETE : fn(value as T);
}

function pairs(items: Reply[]): Map<Reply, Reply> {
  const result = new Map<Reply, Reply>();
  for (let i = 0; i < items.length; i += 2) result.set(items[i] as Reply, items[i + 1] as Reply);
  return result;
}
