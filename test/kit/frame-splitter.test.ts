import { expect, test } from 'vitest';
import { FrameSplitter } from '../../src/test-bed/proxy/frame-splitter.js';
import {
  encodeCommand,
  type Reply,
  RespError,
  RespParser,
  RespPush,
} from '../../src/test-bed/wire/resp.js';

const FRAMES = [
  '+OK\r\n',
  '-ERR no\r\n',
  ':-12\r\n',
  '$5\r\na\r\nbc\r\n',
  '$0\r\n\r\n',
  '$-1\r\n',
  '*-1\r\n',
  '*0\r\n',
  '*2\r\n*1\r\n:1\r\n$1\r\nx\r\n',
  '%2\r\n+a\r\n:1\r\n+b\r\n*2\r\n:1\r\n:2\r\n',
  '~1\r\n#t\r\n',
  '>2\r\n+invalidate\r\n_\r\n',
  '|1\r\n+ttl\r\n:3\r\n$1\r\nv\r\n',
  ',1.5\r\n',
  '(123456789012345678901\r\n',
  '=7\r\ntxt:abc\r\n',
  '!5\r\nERR x\r\n',
];

const REPLIES: Reply[] = [
  'OK',
  new RespError('ERR no'),
  -12,
  'a\r\nbc',
  '',
  null,
  null,
  [],
  [[1], 'x'],
  new Map<Reply, Reply>([
    ['a', 1],
    ['b', [1, 2]],
  ]),
  [true],
  new RespPush(['invalidate', null]),
  'v',
  1.5,
  123456789012345678901n,
  'abc',
  new RespError('ERR x'),
];

test.each([1, 2, 3, 7, 1000])('frames and replies are the same in chunks of %i', (size) => {
  const bytes = Buffer.from(FRAMES.join(''));
  const splitter = new FrameSplitter();
  const parser = new RespParser();
  const frames: string[] = [];
  const replies: Reply[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const chunk = bytes.subarray(at, at + size);
    frames.push(...splitter.push(chunk).map(String));
    replies.push(...parser.push(chunk));
  }
  expect(frames).toEqual(FRAMES);
  expect(replies).toEqual(REPLIES);
  expect(splitter.partialLength).toBe(0);
});

test('tells what is incomplete', () => {
  const splitter = new FrameSplitter();
  const bytes = encodeCommand(['SET', 'key', 'värde']);
  expect(splitter.push(bytes.subarray(0, 15))).toEqual([]);
  expect(splitter.partial).toEqual(bytes.subarray(0, 15));
  expect(splitter.push(bytes.subarray(15))).toEqual([bytes]);
});

test('an inline command is a frame, and bytes that are not RESP are refused by the parser', () => {
  expect(new FrameSplitter().push(Buffer.from('PING\r\nGET x\r\n')).map(String)).toEqual([
    'PING\r\n',
    'GET x\r\n',
  ]);
  expect(() => new RespParser().push(Buffer.from('HTTP/1.1 200\r\n'))).toThrow('Not RESP');
});
