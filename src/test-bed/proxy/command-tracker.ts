/**
 * Tracks which reply belongs to which command on one proxied connection, so that the proxy can
 * answer a command in order, or replace a server's reply.
 */

import { RespParser } from '../wire/resp.js';
import { FrameSplitter } from './frame-splitter.js';

/** A command as strings; the name as the client wrote it. */
export type Command = readonly string[];

/** Returns the proxy's own reply to a command, or `undefined` to let the server answer. */
export type Answer = (command: Command) => Buffer | undefined;

/** Another reply in place of the server's, or `undefined` to leave it. Both as raw RESP. */
export type Rewrite = (reply: Buffer, command: Command) => Buffer | undefined;

export interface Tampering {
  answer: Answer | undefined;
  rewrite: Rewrite | undefined;
}

/**
 * Called with each complete command and the position of its bytes in the forwarded stream, if they
 * are forwarded.
 */
export type CommandListener = (
  command: Command,
  forwarded: { end: number; length: number } | undefined,
) => void;

type Expected = { readonly command: Command; readonly answer?: Buffer };

const SUBSCRIBE = /^(P|S)?(UN)?SUBSCRIBE$/i;
const MESSAGE = /^(p|s)?(un)?(subscribe|message)$/;
const PUSH = '>'.charCodeAt(0);
const ARRAY = '*'.charCodeAt(0);

export class CommandTracker {
  readonly #tampering: Tampering;
  readonly #onCommand: CommandListener;
  readonly #requests = new FrameSplitter();
  readonly #replies = new FrameSplitter();
  /** How much of the incomplete frame has been passed on already. */
  #passedRequest = 0;
  #passedReply = 0;
  /** Expected replies to the client, in order. */
  #expected: Expected[] = [];
  #hasSubscribed = false;
  #forwarded = 0;

  constructor(tampering: Tampering, onCommand: CommandListener) {
    this.#tampering = tampering;
    this.#onCommand = onCommand;
  }

  /** Takes bytes from the client; returns those for the server, and replies for the client. */
  fromClient(chunk: Buffer): { toServer: Buffer; toClient: Buffer } {
    const out: Buffer[] = [];
    const pass = (bytes: Buffer) => {
      this.#forwarded += bytes.length;
      out.push(bytes);
    };
    for (const frame of this.#requests.push(chunk)) {
      const command = parseCommand(frame);
      const started = this.#passedRequest;
      this.#passedRequest = 0;
      // A command that was partly forwarded must be forwarded completely.
      const isEmpty = command.length === 0;
      const answer = started > 0 || isEmpty ? undefined : this.#tampering.answer?.(command);
      if (answer) {
        this.#expected.push({ command, answer });
        this.#onCommand(command, undefined);
        continue;
      }
      pass(frame.subarray(started));
      if (isEmpty) continue;
      if (SUBSCRIBE.test(command[0] as string)) this.#hasSubscribed = true;
      else this.#expected.push({ command });
      this.#onCommand(command, { end: this.#forwarded, length: frame.length });
    }
    // A command that the proxy may answer is held until it is complete; no other data is held up.
    if (!this.#tampering.answer || this.#passedRequest > 0) {
      const { partial, partialLength } = this.#requests;
      pass(partial.subarray(this.#passedRequest));
      this.#passedRequest = partialLength;
    }
    const answers: Buffer[] = [];
    if (this.#passedReply === 0) this.#takeAnswers(answers);
    return { toServer: join(out), toClient: join(answers) };
  }

  /** Takes bytes from the server; returns those for the client. */
  fromServer(chunk: Buffer): Buffer {
    const out: Buffer[] = [];
    for (const frame of this.#replies.push(chunk)) {
      const started = this.#passedReply;
      this.#passedReply = 0;
      if (this.#isOutOfBand(frame)) {
        out.push(frame.subarray(started));
        continue;
      }
      const expected = this.#expected.shift();
      const canRewrite = started === 0 && expected !== undefined;
      const other = canRewrite ? this.#tampering.rewrite?.(frame, expected.command) : undefined;
      out.push(other ?? frame.subarray(started));
      this.#takeAnswers(out);
    }
    if (!this.#tampering.rewrite || this.#passedReply > 0) {
      const { partial, partialLength } = this.#replies;
      out.push(partial.subarray(this.#passedReply));
      this.#passedReply = partialLength;
    }
    return join(out);
  }

  /** Adds the proxy's answers that no earlier server reply precedes. */
  #takeAnswers(out: Buffer[]): void {
    while (this.#expected[0]?.answer) out.push(this.#expected.shift()?.answer as Buffer);
  }

  #isOutOfBand(frame: Buffer): boolean {
    if (frame[0] === PUSH) return true;
    // RESP2 sends messages as arrays. Only a connection that has subscribed gets them.
    if (!this.#hasSubscribed || frame[0] !== ARRAY) return false;
    const [reply] = new RespParser().push(frame);
    return Array.isArray(reply) && typeof reply[0] === 'string' && MESSAGE.test(reply[0]);
  }
}

function join(parts: Buffer[]): Buffer {
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
}

function parseCommand(frame: Buffer): Command {
  if (frame[0] !== ARRAY) return frame.toString().split(/\s+/).filter(Boolean);
  const [args] = new RespParser().push(frame);
  return Array.isArray(args) ? args.map(String) : [];
}
