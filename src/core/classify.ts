/**
 * Classifies an error: what it says about the database and about the command. Failure detection and
 * retries both use it.
 */

import { isMultiDbError, type MultiDbErrorCode } from '../errors.js';
import { isError } from '../is-error.js';
import type { DriverErrorKind } from './driver-error-kind.js';
import { proxyReply } from './proxy-replies.js';

/**
 * - `application-reply`: the server answered; the command is wrong, not the database
 * - `state-reply`: the server refused before it began, because of the state that it is in
 * - `state-word-inside`: the same, told by a command inside a script or a transaction
 * - `access`: credentials, permissions, certificates
 * - `never-sent`: proven that the server never got it
 * - `unknown-outcome`: written, or not proven unwritten, and no reply
 * - `caller`: the caller's doing, or ours: aborted, bad argument, our queue full
 */
export type ErrorKind =
  | 'application-reply'
  | 'state-reply'
  | 'state-word-inside'
  | 'access'
  | 'never-sent'
  | 'unknown-outcome'
  | 'caller';

/**
 * `MAXCLIENTS` stands for "ERR max number of clients reached", `NO_UPSTREAM` for what a proxy says that
 * has no server behind it.
 */
export type StateWord =
  | 'LOADING'
  | 'MASTERDOWN'
  | 'CLUSTERDOWN'
  | 'READONLY'
  | 'NOREPLICAS'
  | 'MISCONF'
  | 'BUSY'
  | 'TRYAGAIN'
  | 'OOM'
  | 'MAXCLIENTS'
  | 'NO_UPSTREAM';

export interface Classification {
  readonly kind: ErrorKind;
  /**
   * Whether the error counts in the failure detector. A `state-word-inside` does not count, but
   * starts a round of probes.
   */
  readonly countsAsFailure: boolean;
  /** Whether the server executed the command; for a transaction, any part of it. */
  readonly executed: 'no' | 'yes' | 'perhaps';
  /** Only for the kinds `state-reply` and `state-word-inside`. */
  readonly stateWord: StateWord | undefined;
}

export interface ClassificationContext {
  /** Classification by the driver; `undefined` if the library does not know the error. */
  readonly driverKind: DriverErrorKind | undefined;
  /** Whether the command was, or may have been, encoded for the socket. */
  readonly written: boolean;
  /** Name in upper case; `EXEC` for all errors of a transaction. */
  readonly commandName: string;
  /** Beginnings of further replies of proxies without a server. */
  readonly proxyErrors?: readonly string[] | undefined;
  /**
   * Whether the error is inside the result of EXEC instead of the error of EXEC itself. Default:
   * false.
   */
  readonly insideResult?: boolean;
}

/** Classifies any thrown value. Results are shared and frozen; nothing is allocated. */
export function classify(error: unknown, context: ClassificationContext): Classification {
  if (isMultiDbError(error)) return classifyOwn(error.code, context.written);
  if (isCertificateError(error)) return context.written ? ACCESS_PERHAPS : ACCESS;

  const { driverKind } = context;
  if (driverKind === 'reply' || (driverKind === undefined && looksLikeReply(error))) {
    return classifyReply(messageOf(error), context);
  }
  if (driverKind === 'caller') return callerError(context.written);
  if (driverKind === undefined) {
    if (propertyOf(error, 'name') === 'AbortError') return callerError(context.written);
    if (error instanceof TypeError && !context.written) return CALLER;
  }
  return noReply(context.written);
}

function classifyOwn(code: MultiDbErrorCode, written: boolean): Classification {
  switch (code) {
    case 'COMMAND_TIMEOUT':
    case 'CONNECTION_LOST':
      return noReply(written);
    // Decisions of the engine itself do not say anything about the database.
    case 'CIRCUIT_OPEN':
    case 'DATABASE_UNAVAILABLE':
    case 'TEMPORARILY_UNAVAILABLE':
    case 'PERMANENTLY_UNAVAILABLE':
      return written ? UNKNOWN_OUTCOME : NOT_TRIED;
    default:
      return callerError(written);
  }
}

function noReply(written: boolean): Classification {
  return written ? UNKNOWN_OUTCOME : NEVER_SENT;
}

function callerError(written: boolean): Classification {
  return written ? CALLER_WRITTEN : CALLER;
}

function classifyReply(text: string, context: ClassificationContext): Classification {
  const inScript = SCRIPT_COMMANDS.has(context.commandName);
  if (context.insideResult === true) return insideResult(text, false);
  const passedOn = proxyReply(text, context.proxyErrors);
  // A script may have made the text itself.
  if (passedOn !== undefined) {
    return passedOn === 'no' && !inScript ? STATE_REPLIES.NO_UPSTREAM : NO_UPSTREAM_PERHAPS;
  }
  // A script can return any error of its own commands, with or without the mark of the script. Only
  // texts that no command inside a script returns prove that the script did not begin.
  if (inScript && (SCRIPT_MARK.test(text) || !REFUSED_SCRIPT.test(text))) {
    return insideResult(text, true);
  }

  // EXECABORT says in its text what refused the transaction; none of it was executed.
  const refusal = text.startsWith(EXECABORT_OF) ? text.slice(EXECABORT_OF.length) : text;
  const stateWord = stateWordOf(refusal);
  if (stateWord !== undefined) return STATE_REPLIES[stateWord];
  // Without its MULTI, the commands of a transaction were executed one by one.
  if (MULTI_FORBIDDEN.test(text)) return ACCESS_PERHAPS;
  if (isAccessRefusal(refusal)) return ACCESS;
  const isRefused = NOT_EXECUTED.has(firstWord(text)) || text === REDIRECTED_TOO_OFTEN;
  return isRefused ? APPLICATION_REFUSED : APPLICATION;
}

/** An error inside a script or a transaction, of which other parts may have been executed. */
function insideResult(text: string, inScript: boolean): Classification {
  const stateWord = stateWordOf(text) ?? stateWordOfOldScript(text);
  if (stateWord !== undefined) return STATE_WORDS_INSIDE[stateWord];
  return inScript && isAccessRefusal(text) ? ACCESS_PERHAPS : APPLICATION;
}

const STATE_WORDS: readonly StateWord[] = [
  'LOADING',
  'MASTERDOWN',
  'CLUSTERDOWN',
  'READONLY',
  'NOREPLICAS',
  'MISCONF',
  'BUSY',
  'TRYAGAIN',
  'OOM',
  'MAXCLIENTS',
  'NO_UPSTREAM',
];

/** Commands that return a state word as the first word of a reply. */
const STATE_WORD_OF: ReadonlyMap<string, StateWord> = new Map(
  STATE_WORDS.filter((word) => !/^(MAXCLIENTS|NO_UPSTREAM)$/.test(word)).map((word) => [
    word,
    word,
  ]),
);

const MAX_CLIENTS = /^ERR max number of clients\b/;
/** The server became a replica while the command was blocked. CLIENT UNBLOCK reads otherwise. */
const FORCED_UNBLOCK = /^UNBLOCKED force unblock/;

function stateWordOf(text: string): StateWord | undefined {
  const stateWord = STATE_WORD_OF.get(firstWord(text));
  if (stateWord !== undefined) return stateWord;
  if (MAX_CLIENTS.test(text)) return 'MAXCLIENTS';
  return FORCED_UNBLOCK.test(text) ? 'READONLY' : undefined;
}

const SCRIPT_COMMANDS: ReadonlySet<string> = new Set([
  'EVAL',
  'EVALSHA',
  'EVAL_RO',
  'EVALSHA_RO',
  'FCALL',
  'FCALL_RO',
  'TFCALL',
  'TFCALLASYNC',
]);

/**
 * Refusals of a script as a whole, in the words of the server. READONLY, OOM, MISCONF and
 * NOREPLICAS are excluded: scripts with flags and functions are refused with the same words that
 * `return redis.pcall(...)` returns.
 */
const REFUSED_SCRIPT = new RegExp(
  [
    'LOADING \\S+ is loading the dataset in memory\\.?$',
    'BUSY \\S+ is busy running a (script|module command)\\b',
    "MASTERDOWN Link with MASTER is down(?: and|, ) ?(?:replica|slave)-serve-stale-data is set to 'no'",
    'CLUSTERDOWN (Hash slot not served|The cluster is down)',
    'ERR max number of clients\\b',
    'NOAUTH ',
    'NOSCRIPT No matching script\\b',
  ]
    .map((text) => `^${text}`)
    .join('|'),
);

/** Suffix that Redis 7 appends to an error of a script. */
const SCRIPT_MARK = / script: \S+, on @/;

/**
 * Redis 6: "ERR Error running script (call to f_...): @user_script:1: -READONLY You can't ...", and
 * "@user_script: 1: -READONLY You can't ..." for what `redis.pcall` returned.
 */
function stateWordOfOldScript(text: string): StateWord | undefined {
  if (!text.startsWith('ERR ') && !text.startsWith(OLD_SCRIPT)) return undefined;
  const word = /@user_script:\s?\d+: ?-([A-Z]+) /.exec(text)?.[1];
  return word === undefined ? undefined : STATE_WORD_OF.get(word);
}

const OLD_SCRIPT = '@user_script:';

const EXECABORT_OF = 'EXECABORT Transaction discarded because of: ';

const ACCESS_WORDS: ReadonlySet<string> = new Set(['NOAUTH', 'WRONGPASS', 'NOPERM', 'DENIED']);
/** Before Redis 6, and AUTH without any password configured. */
const ACCESS_TEXTS =
  /^ERR (?:invalid password|Client sent AUTH, but no password is set|AUTH .*without any password configured|illegal address)/i;

const MULTI_FORBIDDEN = /^NOPERM .*'multi' command/i;

function isAccessRefusal(text: string): boolean {
  return ACCESS_WORDS.has(firstWord(text)) || ACCESS_TEXTS.test(text);
}

/**
 * Replies that prove that nothing was executed, although they do not indicate a failed database.
 */
const NOT_EXECUTED: ReadonlySet<string> = new Set([
  ...['EXECABORT', 'MOVED', 'ASK', 'CROSSSLOT', 'NOSCRIPT'],
]);

/**
 * Text of node-redis after too many redirections, each of which proves that nothing was executed.
 */
const REDIRECTED_TOO_OFTEN = 'Too many Cluster redirections';

/** First words of server replies, which errors of this side do not have. */
const REPLY_WORDS: ReadonlySet<string> = new Set([
  ...STATE_WORD_OF.keys(),
  ...ACCESS_WORDS,
  ...NOT_EXECUTED,
  'ERR',
  'WRONGTYPE',
  'NOSCRIPT',
  'BUSYGROUP',
  'BUSYKEY',
  'NOGROUP',
  'UNBLOCKED',
  OLD_SCRIPT,
]);

/**
 * For a library that the driver does not know: an error without a code whose text looks like a
 * reply.
 */
function looksLikeReply(error: unknown): boolean {
  if (!isError(error) || propertyOf(error, 'code') !== undefined) return false;
  return REPLY_WORDS.has(firstWord(error.message));
}

const ELSEWHERE_WORDS: ReadonlySet<string> = new Set([
  'MOVED',
  'ASK',
  'TRYAGAIN',
  'CLUSTERDOWN',
  'READONLY',
  'MASTERDOWN',
  'LOADING',
]);

/**
 * A refusal by a deployment that is reconfiguring itself: another node, or the same one a little
 * later, will serve the command. Only for commands that were not executed.
 */
export function isRearranging(error: unknown): boolean {
  return isError(error) && ELSEWHERE_WORDS.has(firstWord(error.message));
}

/** The server does not know the script that was called by its digest, so nothing was executed. */
export function isMissingScript(error: unknown): boolean {
  return /^NOSCRIPT No matching script\b/.test(messageOf(error));
}

/** The server is a node of a cluster and another node serves the key. */
export function isRedirection(error: unknown): boolean {
  return firstWord(messageOf(error)) === 'MOVED';
}

function firstWord(text: string): string {
  const end = text.search(/[\s]/);
  return end < 0 ? text : text.slice(0, end);
}

function messageOf(error: unknown): string {
  const message = propertyOf(error, 'message');
  return typeof message === 'string' ? message : '';
}

function propertyOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && name in value
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

/**
 * Failed verification of the server's certificate here, or of the client's certificate there (an
 * alert of the server).
 */
const CERTIFICATE_CODE = new RegExp(
  [
    'ERR_TLS_CERT_\\w+',
    'ERR_SSL_\\w*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)\\w*',
    '(CERT|CRL)_\\w+',
    'UNABLE_TO_(GET|DECRYPT|DECODE|VERIFY)_\\w+',
    'ERROR_IN_(CERT|CRL)_\\w+',
    'DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN',
    'INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|HOSTNAME_MISMATCH',
  ]
    .map((code) => `^(${code})$`)
    .join('|'),
);

/** Also matches the cause of the error, where a wrapping library puts it. */
function isCertificateError(error: unknown): boolean {
  for (const one of [error, propertyOf(error, 'cause'), propertyOf(error, 'originalError')]) {
    const code = propertyOf(one, 'code');
    if (typeof code === 'string' && CERTIFICATE_CODE.test(code)) return true;
  }
  return false;
}

function frozen(
  kind: ErrorKind,
  countsAsFailure: boolean,
  executed: Classification['executed'],
  stateWord?: StateWord,
): Classification {
  return Object.freeze({ kind, countsAsFailure, executed, stateWord });
}

function perStateWord(make: (word: StateWord) => Classification) {
  const entries = STATE_WORDS.map((word) => [word, make(word)]);
  return Object.freeze(Object.fromEntries(entries) as Record<StateWord, Classification>);
}

const APPLICATION = frozen('application-reply', false, 'yes');
const APPLICATION_REFUSED = frozen('application-reply', false, 'no');
const ACCESS = frozen('access', false, 'no');
const ACCESS_PERHAPS = frozen('access', false, 'perhaps');
const NEVER_SENT = frozen('never-sent', true, 'no');
const NOT_TRIED = frozen('never-sent', false, 'no');
const UNKNOWN_OUTCOME = frozen('unknown-outcome', true, 'perhaps');
const CALLER = frozen('caller', false, 'no');
const CALLER_WRITTEN = frozen('caller', false, 'perhaps');
const STATE_REPLIES = perStateWord((word) => frozen('state-reply', true, 'no', word));
const NO_UPSTREAM_PERHAPS = frozen('state-reply', true, 'perhaps', 'NO_UPSTREAM');
const STATE_WORDS_INSIDE = perStateWord((word) =>
  frozen('state-word-inside', false, 'perhaps', word),
);
