/** Server-sent events from a stream of bytes. */

export interface ServerEvent {
  readonly event: string;
  /** Parsed; undefined when it is no JSON. */
  readonly data: unknown;
  readonly id?: string;
}

/** No event of the handler comes near it. */
const MAX_CHARACTERS = 4 * 1024 * 1024;

export async function* readEvents(stream: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true }).replaceAll('\r\n', '\n');
    if (text.length > MAX_CHARACTERS) throw new Error('an event that does not end');
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = parseEvent(block);
      if (event !== undefined) yield event;
    }
  }
}

/** Undefined for comments and for what only sets the id or the delay. */
export function parseEvent(block: string): ServerEvent | undefined {
  let event = 'message';
  let id: string | undefined;
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const [, field, value = ''] = /^(\w+)(?:: ?(.*))?$/.exec(line) ?? [];
    if (field === 'event') event = value;
    if (field === 'id') id = value;
    if (field === 'data') data.push(value);
  }
  if (data.length === 0) return undefined;
  return { event, data: parse(data.join('\n')), ...(id === undefined ? {} : { id }) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
