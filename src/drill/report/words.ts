/** The report's words for the load and its senders. */
import type { RunTexts } from './model.js';

export interface LoadWords {
  readonly load: string;
  readonly one: string;
  readonly replies: string;
  /** Where there is little room. */
  readonly reply: string;
  readonly firstReply: string;
  /** Two kinds of callers, and their errors. */
  readonly reader: string;
  readonly writer: string;
  readonly acknowledged: string;
  readonly readerErrors: string;
  readonly writerErrors: string;
  readonly unavailable: string;
  /** In one word, for the columns of the terminal. */
  readonly readers: string;
  readonly writers: string;
  /** Whether executions are counted on the servers. */
  readonly audited: boolean;
}

const WORDS: Readonly<Record<RunTexts['load'], LoadWords>> = {
  commands: {
    load: 'commands',
    one: 'command',
    replies: 'replies',
    reply: 'reply',
    firstReply: 'first reply',
    reader: 'readers',
    writer: 'writers',
    acknowledged: 'Acknowledged writes',
    readerErrors: 'errors of readers',
    writerErrors: 'errors of writers, outcome unknown',
    unavailable: 'typed errors while all are down',
    readers: 'readers',
    writers: 'writers',
    audited: true,
  },
  requests: {
    load: 'requests',
    one: 'request',
    replies: 'good answers',
    reply: 'answer',
    firstReply: 'good answer',
    reader: 'GET and HEAD',
    writer: 'others',
    acknowledged: 'Good answers to others',
    readerErrors: 'errors of GET and HEAD',
    writerErrors: 'errors of other requests',
    unavailable: 'answered with an error while all are down',
    readers: 'GET',
    writers: 'others',
    audited: false,
  },
};

export function wordsOf({ load }: RunTexts): LoadWords {
  return WORDS[load];
}
