/**
 * A JSON parser that records the position of each value for error messages. `JSON.parse` is
 * unsuitable, because its messages quote the text around the mistake, which may be a password.
 */

/** A position in a text; both numbers start at 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One value with the offset of its start. */
export type JsonNode =
  | {
      readonly kind: 'value';
      readonly at: number;
      readonly value: string | number | boolean | null;
    }
  | { readonly kind: 'array'; readonly at: number; readonly items: readonly JsonNode[] }
  | {
      readonly kind: 'object';
      readonly at: number;
      readonly members: ReadonlyMap<string, JsonNode>;
    };

/** The text is not valid JSON. The message never quotes more than one character. */
export class JsonError extends Error {
  constructor(
    message: string,
    readonly at: number,
  ) {
    super(message);
  }
}

/** Maximum depth: more than any configuration needs, and far below the limit of the stack. */
const MAX_DEPTH = 100;

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them in strings
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4}))*"/y;
const WORDS = [
  ['true', true],
  ['false', false],
  ['null', null],
] as const;

/**
 * Parses JSON by RFC 8259; duplicate names in one object are an error. Throws `JsonError`. The time
 * is linear in the length.
 */
export function parseJson(text: string): JsonNode {
  return new Parser(text).parse();
}

export function positionOf(text: string, at: number): Position {
  const before = text.slice(0, at);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: at - lineStart + 1 };
}

class Parser {
  #at = 0;
  #depth = 0;

  constructor(private readonly text: string) {
    // Skips a byte order mark, which Windows editors write.
    if (text.startsWith('\ufeff')) this.#at = 1;
  }

  parse(): JsonNode {
    const node = this.#value();
    this.#space();
    if (this.#at < this.text.length) throw this.#unexpected('the end');
    return node;
  }

  #value(): JsonNode {
    this.#space();
    const at = this.#at;
    const first = this.text[at];
    if (first === '{') return this.#nested(() => this.#object(at));
    if (first === '[') return this.#nested(() => this.#array(at));
    if (first === '"') return { kind: 'value', at, value: this.#string() };
    const number = this.#match(NUMBER);
    if (number !== undefined) return { kind: 'value', at, value: Number(number) };
    for (const [word, value] of WORDS) {
      if (!this.text.startsWith(word, at)) continue;
      this.#at += word.length;
      return { kind: 'value', at, value };
    }
    throw this.#unexpected('a value');
  }

  #object(at: number): JsonNode {
    const members = new Map<string, JsonNode>();
    this.#at += 1;
    if (!this.#take('}')) {
      do {
        this.#space();
        const nameAt = this.#at;
        if (this.text[nameAt] !== '"') throw this.#unexpected('a name in double quotes');
        const name = this.#string();
        if (members.has(name)) throw new JsonError(`the name "${name}" occurs twice`, nameAt);
        if (!this.#take(':')) throw this.#unexpected('a colon');
        members.set(name, this.#value());
      } while (this.#take(','));
      if (!this.#take('}')) throw this.#unexpected('a comma or }');
    }
    return { kind: 'object', at, members };
  }

  #array(at: number): JsonNode {
    const items: JsonNode[] = [];
    this.#at += 1;
    if (!this.#take(']')) {
      do items.push(this.#value());
      while (this.#take(','));
      if (!this.#take(']')) throw this.#unexpected('a comma or ]');
    }
    return { kind: 'array', at, items };
  }

  #nested(parse: () => JsonNode): JsonNode {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new JsonError('nested too deeply', this.#at);
    const node = parse();
    this.#depth -= 1;
    return node;
  }

  #string(): string {
    const raw = this.#match(STRING);
    if (raw === undefined) {
      throw new JsonError('a string that does not end, or with an invalid escape', this.#at);
    }
    return JSON.parse(raw) as string;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #take(character: string): boolean {
    this.#space();
    if (this.text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #space(): void {
    while (' \t\n\r'.includes(this.text[this.#at] ?? '.')) this.#at += 1;
  }

  #unexpected(expected: string): JsonError {
    const found = this.text[this.#at];
    const text = found === undefined ? 'the file ends' : `there is ${JSON.stringify(found)}`;
    const hint = found === '/' ? ' (JSON has no comments)' : '';
    return new JsonError(`expected ${expected}, but ${text}${hint}`, this.#at);
  }
}
