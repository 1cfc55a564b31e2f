/** Server-sent events from a stream of bytes, as the HTML standard defines them. */

export interface ServerEvent {
  readonly event: string;
  /** Parsed JSON; undefined when the data is not JSON. */
  readonly data: unknown;
  readonly id?: string;
}

/** The longest event, in UTF-16 code units. The handler's own events are far below it. */
export const LONGEST_EVENT = 4 * 1024 * 1024;

/** Rejects when one event is longer than `LONGEST_EVENT`. */
export async function* readEvents(stream: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  const parser = new EventParser();
  for await (const chunk of stream) yield* parser.feed(decoder.decode(chunk, { stream: true }));
}

/** Parses text in chunks of any size; each character is looked at once. */
export class EventParser {
  /** Parts of the line that has not ended yet. */
  #line: string[] = [];
  #data: string[] = [];
  #event = '';
  #id: string | undefined;
  #length = 0;
  /** The last chunk ended with CR: LF at the start of the next one belongs to it. */
  #afterReturn = false;

  /** Events that `text` completes. Throws when the event in progress is too long. */
  *feed(text: string): Generator<ServerEvent> {
    let start = this.#afterReturn && text.startsWith('\n') ? 1 : 0;
    if (text !== '') this.#afterReturn = text.endsWith('\r');
    const end = /\r\n?|\n/g;
    end.lastIndex = start;
    for (let match = end.exec(text); match !== null; match = end.exec(text)) {
      this.#line.push(text.slice(start, match.index));
      start = end.lastIndex;
      const event = this.#take(this.#line.join(''));
      this.#line = [];
      if (event !== undefined) yield event;
    }
    const rest = text.slice(start);
    this.#count(rest.length);
    if (rest !== '') this.#line.push(rest);
  }

  #take(line: string): ServerEvent | undefined {
    if (line === '') return this.#dispatch();
    this.#count(line.length);
    const colon = line.indexOf(':');
    if (colon === 0) return undefined;
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.#event = value;
    else if (field === 'data') this.#data.push(value);
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    return undefined;
  }

  #dispatch(): ServerEvent | undefined {
    const [event, data, id] = [this.#event || 'message', this.#data, this.#id];
    this.#event = '';
    this.#data = [];
    this.#id = undefined;
    this.#length = 0;
    if (data.length === 0) return undefined;
    return { event, data: parse(data.join('\n')), ...(id === undefined ? {} : { id }) };
  }

  #count(characters: number): void {
    this.#length += characters;
    if (this.#length > LONGEST_EVENT) throw new Error('an event does not end');
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
