/** Cuts a RESP byte stream at the ends of its top-level frames, without interpreting them. */

const NEWLINE = 0x0a;
const BULK = new Set(['$', '!', '='].map((char) => char.charCodeAt(0)));
const AGGREGATE = new Set(['*', '~', '>'].map((char) => char.charCodeAt(0)));
const MAP = '%'.charCodeAt(0);
const ATTRIBUTE = '|'.charCodeAt(0);

/**
 * Each byte is looked at once, whatever the chunks: O(bytes). A line that begins with none of the types of
 * RESP is a frame of its own, which makes inline commands frames.
 */
export class FrameSplitter {
  /** Chunks of the frame that is not complete yet. */
  #partial: Buffer[] = [];
  #partialLength = 0;
  /** First byte of the header line in progress, and its digits. */
  #type = -1;
  #digits = '';
  /** Bytes of a bulk body still to come, its CRLF included. */
  #skip = 0;
  /** Values still to come until the frame is complete. */
  #outstanding = 1;

  /** Length of the frame that is not complete yet. */
  get partialLength(): number {
    return this.#partialLength;
  }

  /** The frame that is not complete yet. */
  get partial(): Buffer {
    if (this.#partial.length !== 1) this.#partial = [Buffer.concat(this.#partial)];
    return this.#partial[0] as Buffer;
  }

  /** The frames completed by `chunk`, each with all its bytes. */
  push(chunk: Buffer): Buffer[] {
    const frames: Buffer[] = [];
    let start = 0;
    let at = 0;
    while (at < chunk.length) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, chunk.length - at);
        at += step;
        this.#skip -= step;
        if (this.#skip > 0) break;
        this.#outstanding -= 1;
      } else {
        const byte = chunk[at++] as number;
        if (this.#type === -1) this.#type = byte;
        else if (byte !== NEWLINE && this.#digits.length < 24) {
          this.#digits += String.fromCharCode(byte);
        }
        if (byte !== NEWLINE) continue;
        this.#endOfHeader();
      }
      if (this.#outstanding > 0) continue;
      frames.push(this.#complete(chunk.subarray(start, at)));
      start = at;
    }
    if (start < chunk.length) {
      this.#partial.push(chunk.subarray(start));
      this.#partialLength += chunk.length - start;
    }
    return frames;
  }

  #endOfHeader(): void {
    const type = this.#type;
    const count = Number.parseInt(this.#digits, 10);
    this.#type = -1;
    this.#digits = '';
    if (BULK.has(type) && count >= 0) {
      this.#skip = count + 2;
      return;
    }
    // An attribute stands before a value and is not one.
    if (type !== ATTRIBUTE) this.#outstanding -= 1;
    if (!(count > 0)) return;
    if (AGGREGATE.has(type)) this.#outstanding += count;
    else if (type === MAP || type === ATTRIBUTE) this.#outstanding += 2 * count;
  }

  #complete(tail: Buffer): Buffer {
    const frame = this.#partial.length === 0 ? tail : Buffer.concat([...this.#partial, tail]);
    this.#partial = [];
    this.#partialLength = 0;
    this.#outstanding = 1;
    return frame;
  }
}
