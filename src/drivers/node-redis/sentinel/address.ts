/** The address of a server. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A Sentinel's reply about the master. */
export interface MasterAnswer extends Address {
  /** Epoch of the configuration; the higher one is newer. */
  readonly epoch: number;
}

/**
 * node-redis's `nodeAddressMap`: from the address that Sentinels report to one that can be reached
 * from here.
 */
export type AddressMap =
  | Readonly<Record<string, Address>>
  | ((address: string) => Address | undefined)
  | undefined;

export function mapped(address: Address, map: AddressMap): Address {
  const name = `${address.host}:${address.port}`;
  const found = typeof map === 'function' ? map(name) : map?.[name];
  return found ?? address;
}

export function sameAddress(a: Address | undefined, b: Address | undefined): boolean {
  return a !== undefined && b !== undefined && a.host === b.host && a.port === b.port;
}

/** Returns the newest of the replies; among equally new ones, the one that most Sentinels gave. */
export function newest(answers: readonly MasterAnswer[]): MasterAnswer | undefined {
  let best: MasterAnswer | undefined;
  for (const answer of answers) {
    const isNewer = best === undefined || answer.epoch > best.epoch;
    const isEqual = best !== undefined && answer.epoch === best.epoch;
    if (isNewer || (isEqual && votes(answers, answer) > votes(answers, best))) best = answer;
  }
  return best;
}

export function votes(answers: readonly MasterAnswer[], wanted: MasterAnswer | undefined): number {
  return answers.filter((answer) => sameAddress(answer, wanted)).length;
}
