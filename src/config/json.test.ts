import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonError, type JsonNode, parseJson, positionOf } from './json.js';

function plain(node: JsonNode): unknown {
  if (node.kind === 'value') return node.value;
  if (node.kind === 'array') return node.items.map(plain);
  const entries = [...node.members].map(([name, member]) => [name, plain(member)] as const);
  return Object.fromEntries(entries);
}

function failure(text: string): JsonError {
  try {
    parseJson(text);
  } catch (error) {
    if (error instanceof JsonError) return error;
    throw error;
  }
  throw new Error('it was parsed');
}

describe('parseJson', () => {
  it('reads what JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 2), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        expect(plain(parseJson(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  it('takes a text exactly when JSON.parse does, names that stand twice apart', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"',
      '\\',
      'true',
      'nul',
      '1',
      '-',
      '0',
      '.5',
      'e3',
      ' ',
      '\n',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const text = pieces.join('');
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        try {
          parseJson(text);
          expect(valid, text).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(JsonError);
          if (!(error as Error).message.includes('twice')) expect(valid, text).toBe(false);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['', 'expected a value, but the file ends', 1, 1],
    ['{\n  "a": 1,\n}', 'expected a name in double quotes', 3, 1],
    ['{\n  "a" 1}', 'expected a colon', 2, 7],
    ['[1 2]', 'expected a comma or ]', 1, 4],
    ['{"a": 1 "b": 2}', 'expected a comma or }', 1, 9],
    ['{"a": 1, "a": 2}', 'occurs twice', 1, 10],
    ['{} x', 'expected the end', 1, 4],
    ['// no\n{}', 'JSON has no comments', 1, 1],
    ['{"password": "hunter2', 'does not end', 1, 14],
    ['{"password": \'hunter2\'}', 'expected a value', 1, 14],
    ['['.repeat(200), 'too deeply', 1, 101],
  ])('%j: %s', (text, message, line, column) => {
    const error = failure(text);
    expect(error.message).toContain(message);
    expect(error.message).not.toContain('hunter2');
    expect(positionOf(text, error.at)).toEqual({ line, column });
  });

  it('skips a byte order mark', () => {
    expect(plain(parseJson('\ufeff{"a":1}'))).toEqual({ a: 1 });
  });
});
