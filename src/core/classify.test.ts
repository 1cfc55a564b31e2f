import { describe, expect, it } from 'vitest';
import {
  CircuitOpenError,
  ClientClosedError,
  CommandTimeoutError,
  ConnectionLostError,
  DatabaseSwitchedError,
  InvalidOptionError,
  OverloadedError,
  TemporarilyUnavailableError,
} from '../errors.js';
import { type ClassificationContext, classify, isRearranging } from './classify.js';

const WRITTEN = { driverKind: undefined, written: true, commandName: 'SET' } as const;
const UNWRITTEN = { ...WRITTEN, written: false } as const;

function reply(text: string, context: Partial<ClassificationContext> = {}) {
  return classify(new Error(text), { ...WRITTEN, driverKind: 'reply', ...context });
}

const withCode = (code: string, cause?: unknown) =>
  Object.assign(new Error(code, { cause }), { code });

const MISCONF =
  "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to ...";
const UNBLOCKED =
  'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)';
const MASTERDOWN =
  "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";

describe('a reply', () => {
  it.each([
    ['LOADING', 'LOADING Redis is loading the dataset in memory'],
    ['MASTERDOWN', MASTERDOWN],
    ['CLUSTERDOWN', 'CLUSTERDOWN Hash slot not served'],
    ['READONLY', "READONLY You can't write against a read only replica."],
    ['NOREPLICAS', 'NOREPLICAS Not enough good replicas to write.'],
    ['MISCONF', MISCONF],
    ['BUSY', 'BUSY Redis is busy running a script. You can only call SCRIPT KILL ...'],
    ['TRYAGAIN', 'TRYAGAIN Multiple keys request during rehashing of slot'],
    ['OOM', "OOM command not allowed when used memory > 'maxmemory'."],
    ['OOM', 'OOM'],
    ['MAXCLIENTS', 'ERR max number of clients reached'],
    ['MAXCLIENTS', 'ERR max number of clients + cluster connections reached'],
    ['READONLY', UNBLOCKED],
  ])('of state %s counts and proves that nothing was executed', (stateWord, text) => {
    const expected = { kind: 'state-reply', countsAsFailure: true, executed: 'no', stateWord };
    expect(reply(text)).toEqual(expected);
    expect(reply(text, { commandName: 'EXEC' })).toEqual(expected);
    // From a library that the driver does not know, and before the command was written.
    expect(classify(new Error(text), WRITTEN)).toEqual(expected);
    expect(reply(text, { written: false })).toEqual(expected);
  });

  it.each([
    'WRONGTYPE Operation against a key holding the wrong kind of value',
    'ERR syntax error',
    'BUSYGROUP Consumer Group name already exists',
    'BUSYKEY Target key name already exists.',
    'UNBLOCKED client unblocked via CLIENT UNBLOCK',
    'NOGOODSLAVE No suitable replica to promote',
    'ERR BUSY is a word here',
    'ERR the max number of clients reached',
    'MYMODULE READONLY',
    'readonly',
    '',
  ])('"%s" is the answer of a server that is healthy', (text) => {
    expect(reply(text)).toEqual({
      kind: 'application-reply',
      countsAsFailure: false,
      executed: 'yes',
      stateWord: undefined,
    });
  });

  it.each([
    'MOVED 866 127.0.0.1:7001',
    'ASK 866 127.0.0.1:7001',
    'CROSSSLOT Keys in request ...',
    'NOSCRIPT No matching script. Please use EVAL.',
  ])('"%s" refuses without a word against the database', (text) => {
    expect(reply(text)).toMatchObject({
      kind: 'application-reply',
      countsAsFailure: false,
      executed: 'no',
    });
  });

  it.each([
    'NOAUTH Authentication required.',
    'WRONGPASS invalid username-password pair or user is disabled.',
    "NOPERM this user has no permissions to run the 'set' command",
    'ERR invalid password',
    'ERR Client sent AUTH, but no password is set',
    'ERR AUTH <password> called without any password configured for the default user. Are ...',
    'DENIED Redis is running in protected mode because ...',
  ])('"%s" concerns access', (text) => {
    const expected = { kind: 'access', countsAsFailure: false, executed: 'no' };
    expect(reply(text)).toMatchObject(expected);
  });

  it('counts as one without the help of the driver only if it reads like one', () => {
    const failure = { kind: 'unknown-outcome', countsAsFailure: true };
    expect(classify(new Error('WRONGTYPE Operation ...'), WRITTEN).kind).toBe('application-reply');
    expect(classify(new Error('TLS handshake failed'), WRITTEN)).toMatchObject(failure);
    expect(classify(new Error('READONLYX'), WRITTEN)).toMatchObject(failure);
    expect(classify(withCode('ECONNRESET'), WRITTEN)).toMatchObject(failure);
    const coded = Object.assign(new Error('OOM'), { code: 'ERR_WORKER_OUT_OF_MEMORY' });
    expect(classify(coded, WRITTEN)).toMatchObject(failure);
  });
});

describe('a transaction', () => {
  it('was not executed when EXEC itself fails', () => {
    expect(
      reply('EXECABORT Transaction discarded because of previous errors.', { commandName: 'EXEC' }),
    ).toEqual({
      kind: 'application-reply',
      countsAsFailure: false,
      executed: 'no',
      stateWord: undefined,
    });
    const because = (text: string) =>
      reply(`EXECABORT Transaction discarded because of: ${text}`, { commandName: 'EXEC' });
    expect(because(MASTERDOWN)).toMatchObject({
      kind: 'state-reply',
      countsAsFailure: true,
      executed: 'no',
      stateWord: 'MASTERDOWN',
    });
    expect(because('NOAUTH Authentication required.')).toMatchObject({ kind: 'access' });
    expect(because('syntax error')).toMatchObject({ kind: 'application-reply', executed: 'no' });
  });

  it('was executed command by command when MULTI is forbidden', () => {
    const text = "NOPERM this user has no permissions to run the 'multi' command";
    expect(reply(text, { commandName: 'EXEC' })).toMatchObject({
      kind: 'access',
      executed: 'perhaps',
    });
  });

  it('may have been executed in part when its result holds a state word', () => {
    const inside = { commandName: 'EXEC', insideResult: true };
    expect(reply("READONLY You can't write against a read only replica.", inside)).toEqual({
      kind: 'state-word-inside',
      countsAsFailure: false,
      executed: 'perhaps',
      stateWord: 'READONLY',
    });
    const wrongType = reply('WRONGTYPE Operation ...', inside);
    expect(wrongType).toMatchObject({ kind: 'application-reply', executed: 'yes' });
    const forbidden = reply('NOPERM ACLs rules changed between ...', inside);
    expect(forbidden).toMatchObject({ kind: 'application-reply', executed: 'yes' });
  });
});

describe.each(['EVAL', 'EVALSHA', 'EVAL_RO', 'EVALSHA_RO', 'FCALL', 'FCALL_RO'])('%s', (name) => {
  const script = { commandName: name };

  it.each([
    ['READONLY', "READONLY You can't write against a read only replica."],
    ['READONLY', "READONLY You can't write against a read only replica. script: 8f, on @x:1."],
    ['OOM', "OOM command not allowed when used memory > 'maxmemory'."],
    ['MISCONF', MISCONF],
    ['NOREPLICAS', 'NOREPLICAS Not enough good replicas to write.'],
    ['TRYAGAIN', 'TRYAGAIN Multiple keys request during rehashing of slot'],
    ['BUSY', 'BUSY said the script'],
    ['LOADING', 'LOADING Redis is loading the dataset in memory script: 8f, on @user_script:1.'],
    ['MASTERDOWN', `${MASTERDOWN} script: 8f, on @user_function:1.`],
    [
      'READONLY',
      'ERR Error running script (call to f_8f): @user_script:1: -READONLY You can not write ...',
    ],
    ['OOM', 'ERR Error running script (call to f_8f): @user_script: 1: -OOM command not ...'],
    ['NOREPLICAS', '@user_script: 1: -NOREPLICAS Not enough good replicas to write.'],
  ])('does not take a %s from inside for a refusal: %s', (stateWord, text) => {
    expect(reply(text, script)).toEqual({
      kind: 'state-word-inside',
      countsAsFailure: false,
      executed: 'perhaps',
      stateWord,
    });
  });

  it.each([
    ['LOADING', 'LOADING Redis is loading the dataset in memory'],
    ['LOADING', 'LOADING Valkey is loading the dataset in memory'],
    ['BUSY', 'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN ...'],
    ['BUSY', 'BUSY Redis is busy running a module command.'],
    ['MASTERDOWN', MASTERDOWN],
    [
      'MASTERDOWN',
      "MASTERDOWN Link with MASTER is down, replica-serve-stale-data is set to 'no' and 'allow-stale' flag is not set on the script.",
    ],
    ['CLUSTERDOWN', 'CLUSTERDOWN The cluster is down'],
    ['CLUSTERDOWN', 'CLUSTERDOWN Hash slot not served'],
    ['MAXCLIENTS', 'ERR max number of clients reached'],
  ])('was refused as a whole: %s: %s', (stateWord, text) => {
    expect(reply(text, script)).toEqual({
      kind: 'state-reply',
      countsAsFailure: true,
      executed: 'no',
      stateWord,
    });
  });

  it('answers errors of its own', () => {
    expect(reply('ERR user_script:1: boom script: 8f, on @user_script:1.', script)).toMatchObject({
      kind: 'application-reply',
      executed: 'yes',
    });
    expect(reply('NOSCRIPT No matching script.', script).kind).toBe('application-reply');
    expect(reply('NOAUTH Authentication required.', script)).toMatchObject({
      kind: 'access',
      executed: 'no',
    });
    expect(
      reply("NOPERM this user can't ... script: 8f, on @user_script:1.", script),
    ).toMatchObject({ kind: 'access', executed: 'perhaps' });
  });
});

describe('without a reply', () => {
  const neverSent = {
    kind: 'never-sent',
    countsAsFailure: true,
    executed: 'no',
    stateWord: undefined,
  };
  const unknown = {
    kind: 'unknown-outcome',
    countsAsFailure: true,
    executed: 'perhaps',
    stateWord: undefined,
  };

  it.each<[string, unknown, ClassificationContext['driverKind']]>([
    ['lost according to the driver', new Error('Socket closed unexpectedly'), 'connection'],
    ['refused', withCode('ECONNREFUSED'), undefined],
    ['reset', withCode('ECONNRESET'), undefined],
    ['without a name server', withCode('EAI_AGAIN'), undefined],
    ['refused at all addresses', new AggregateError([withCode('ECONNREFUSED')]), undefined],
    ['broken by a wrong protocol', withCode('ERR_SSL_WRONG_VERSION_NUMBER'), undefined],
    ['timed out', new CommandTimeoutError('5000 ms'), undefined],
    ['lost', new ConnectionLostError('lost'), undefined],
    ['something else', 'a string', undefined],
    ['nothing', undefined, undefined],
  ])('%s: whether it was written decides', (_what, error, driverKind) => {
    expect(classify(error, { ...UNWRITTEN, driverKind })).toEqual(neverSent);
    expect(classify(error, { ...WRITTEN, driverKind })).toEqual(unknown);
  });

  it.each<[string, unknown, ClassificationContext['driverKind']]>([
    ['an argument of a wrong type', new TypeError('Invalid argument type'), 'caller'],
    ['an abort, says the driver', new Error('The command was aborted'), 'caller'],
    ['an abort of a signal', AbortSignal.abort().reason, undefined],
    ['our queue is full', new OverloadedError('100000 pending'), undefined],
    ['the client is closed', new ClientClosedError(), undefined],
    ['the database was switched', new DatabaseSwitchedError('cursor'), undefined],
    ['an option', new InvalidOptionError('a', 'b', 1), undefined],
  ])('%s: not a failure of the database', (_what, error, driverKind) => {
    const caller = { kind: 'caller', countsAsFailure: false, stateWord: undefined };
    expect(classify(error, { ...UNWRITTEN, driverKind })).toEqual({ ...caller, executed: 'no' });
    expect(classify(error, { ...WRITTEN, driverKind })).toEqual({ ...caller, executed: 'perhaps' });
  });

  it('takes a TypeError for the caller only as long as nothing was written', () => {
    expect(classify(new TypeError('x'), UNWRITTEN).kind).toBe('caller');
    expect(classify(new TypeError('x'), WRITTEN)).toEqual(unknown);
  });

  it('does not hold what the engine refused against the database', () => {
    for (const error of [new CircuitOpenError('open'), new TemporarilyUnavailableError('none')]) {
      const expected = { ...neverSent, countsAsFailure: false };
      expect(classify(error, UNWRITTEN)).toEqual(expected);
    }
  });

  it.each([
    'CERT_HAS_EXPIRED',
    'CERT_NOT_YET_VALID',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'HOSTNAME_MISMATCH',
    'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
    'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
    'ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED',
  ])('a certificate (%s) concerns access', (code) => {
    const access = { kind: 'access', countsAsFailure: false, executed: 'no' };
    const driverKind = 'connection';
    expect(classify(withCode(code), UNWRITTEN)).toMatchObject(access);
    expect(classify(withCode(code), { ...UNWRITTEN, driverKind })).toMatchObject(access);
    expect(classify(new Error('lost', { cause: withCode(code) }), UNWRITTEN)).toMatchObject(access);
    expect(classify(withCode(code), WRITTEN).executed).toBe('perhaps');
  });
});

it.each([
  ['MOVED 3999 127.0.0.1:6381', true],
  ['ASK 3999 127.0.0.1:6381', true],
  ['TRYAGAIN Multiple keys request during rehashing of slot', true],
  ['CLUSTERDOWN Hash slot not served', true],
  ["READONLY You can't write against a read only replica.", true],
  ['LOADING Redis is loading the dataset in memory', true],
  ['ASKING is no word of it', false],
  ['OOM command not allowed', false],
  ['EXECABORT Transaction discarded because of previous errors.', false],
])('isRearranging: %s', (message, expected) => {
  expect(isRearranging(new Error(message))).toBe(expected);
  expect(isRearranging(message)).toBe(false);
});

it('answers with the same frozen object', () => {
  const first = reply('OOM a');
  expect(reply('OOM b')).toBe(first);
  expect(Object.isFrozen(first)).toBe(true);
});
