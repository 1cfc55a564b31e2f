import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventParser, LONGEST_EVENT, readEvents } from './event-source.js';

function parsed(...chunks: string[]) {
  const parser = new EventParser();
  return chunks.flatMap((chunk) => [...parser.feed(chunk)]);
}

describe('EventParser', () => {
  it.each([
    ['LF', 'event: a\nid: 1\ndata: {"x":1}\n\n'],
    ['CR', 'event: a\rid: 1\rdata: {"x":1}\r\r'],
    ['CRLF', 'event: a\r\nid: 1\r\ndata: {"x":1}\r\n\r\n'],
    ['no space after the colon', 'event:a\nid:1\ndata:{"x":1}\n\n'],
    ['comments and unknown fields', ': hello\nevent: a\nretry: 5\nid: 1\nother\ndata: {"x":1}\n\n'],
    ['several lines of data', 'event: a\nid: 1\ndata: {\ndata: "x":1}\n\n'],
    ['several events of the field', 'event: b\nevent: a\nid: 0\nid: 1\ndata: {"x":1}\n\n'],
  ])('%s, however it is split', (_, text) => {
    const expected = [{ event: 'a', id: '1', data: { x: 1 } }];
    expect(parsed(text)).toEqual(expected);
    expect(parsed(...text)).toEqual(expected);
    for (let at = 1; at < text.length; at += 1) {
      expect(parsed(text.slice(0, at), text.slice(at)), `split at ${at}`).toEqual(expected);
      expect(parsed(text.slice(0, at), '', text.slice(at))).toEqual(expected);
    }
  });

  it('has events without a name or an id, and none without data', () => {
    expect(
      parsed('data: 1\n\nevent: a\n\ndata\n\nid: 4\n\n: only this\n\ndata:  " x"\n\n'),
    ).toEqual([
      { event: 'message', data: 1 },
      { event: 'message', data: undefined },
      { event: 'message', data: ' x' },
    ]);
  });

  it('gives the same for every way to split a text', () => {
    const line = fc.constantFrom(
      'data: 1',
      'data: {',
      'data: }',
      'event: a',
      'id: 7',
      ':',
      '',
      'x',
    );
    const end = fc.constantFrom('\n', '\r', '\r\n');
    fc.assert(
      fc.property(fc.array(fc.tuple(line, end)), fc.array(fc.nat(200)), (lines, cuts) => {
        const text = lines.flat().join('');
        const at = [0, ...cuts.sort((a, b) => a - b), text.length];
        const chunks = at.slice(1).map((to, index) => text.slice(at[index], to));
        expect(parsed(...chunks)).toEqual(parsed(text));
      }),
    );
  });

  it('does not keep an event that does not end', () => {
    const parser = new EventParser();
    const part = 'x'.repeat(LONGEST_EVENT / 4);
    for (let i = 0; i < 4; i += 1) expect([...parser.feed(part)]).toEqual([]);
    expect(() => [...parser.feed('x')]).toThrow('does not end');
    const lines = new EventParser();
    const feed = () => {
      for (let i = 0; i < 5; i += 1) [...lines.feed(`data: ${part}\n`)];
    };
    expect(feed).toThrow('does not end');
  });
});

it('reads characters that are split over chunks', async () => {
  const bytes = new TextEncoder().encode('data: "ü🙂"\n\n');
  const stream = (async function* () {
    for (const byte of bytes) yield Uint8Array.of(byte);
  })();
  const events = [];
  for await (const event of readEvents(stream)) events.push(event);
  expect(events).toEqual([{ event: 'message', data: 'ü🙂' }]);
});
