import type { Attempt } from '../../src/drivers/driver.js';
import type { Draw } from './draw.js';

/** What a command is, which decides what may become of it. */
export type Kind =
  | 'read'
  | 'read of a key'
  | 'last-write-wins'
  | 'accumulating'
  | 'batch'
  | 'transaction'
  | 'cursor'
  | 'wrong';

/** What a database that serves reads only does not get. */
export function isWrite(kind: Kind): boolean {
  return !['read', 'read of a key', 'cursor'].includes(kind);
}

/** As often as they are drawn. */
export const KINDS: readonly Kind[] = [
  'read',
  'read of a key',
  'read of a key',
  'last-write-wins',
  'accumulating',
  'accumulating',
  'batch',
  'cursor',
  'wrong',
  'transaction',
];

export function argumentsOf(kind: Kind, token: string, draw: Draw): string[] {
  switch (kind) {
    case 'read':
      return ['ECHO', token];
    case 'read of a key':
      return ['STRLEN', token];
    case 'last-write-wins':
      return ['SET', token, '1'];
    case 'accumulating':
      return [draw.one(['INCR', 'LPUSH']), token, '1'];
    case 'batch':
    case 'transaction':
      return ['MULTI'];
    case 'cursor':
      return ['HSCAN', token, '17'];
    case 'wrong':
      return ['NOSUCHCOMMAND', token];
  }
}

export function batchOf(token: string) {
  return {
    kind: 'multi' as const,
    commands: [
      ['INCR', token],
      ['ECHO', token],
    ],
  };
}

export function expectedReply(kind: Kind, token: string): unknown {
  switch (kind) {
    case 'read':
      return token;
    case 'read of a key':
      return 0;
    case 'last-write-wins':
      return 'OK';
    case 'accumulating':
      return 1;
    case 'batch':
      return [1, token];
    case 'transaction':
      return [1, 'OK'];
    case 'cursor':
      return ['0', []];
    case 'wrong':
      return undefined;
  }
}

/** By what its entry in the ledger is found; a command within a transaction has none. */
export function tokenOf({ args, batch }: Pick<Attempt, 'args' | 'batch'>): string {
  return String(batch?.commands[0]?.[1] ?? args[1]);
}
