/** The faults that one direction of one proxied connection can have. */

export type Direction = 'to-server' | 'to-client';

/** `hold`: bytes wait and are delivered after `restore()`. `drop`: they are lost, and so is the connection. */
export type SilenceMode = 'hold' | 'drop';

/** Faults of one direction. Connections hold a copy each, so that they can differ. */
export interface DirectionFaults {
  silence: SilenceMode | undefined;
  delayMs: number;
  bytesPerSecond: number | undefined;
  /** Shared by all the connections it was set for: the first to reach it is the one that is cut. */
  cut: Cut | undefined;
}

export type Faults = Record<Direction, DirectionFaults>;

export const noFaults = (): Faults => ({ 'to-server': none(), 'to-client': none() });

export const copyFaults = (faults: Faults): Faults => ({
  'to-server': { ...faults['to-server'] },
  'to-client': { ...faults['to-client'] },
});

const none = (): DirectionFaults => ({
  silence: undefined,
  delayMs: 0,
  bytesPerSecond: undefined,
  cut: undefined,
});

/** A one-shot fault: after `remaining` more bytes the connection that delivered the last is reset. */
export class Cut {
  remaining: number;
  /** True when a connection was cut; false if the fault was withdrawn before. */
  readonly done: Promise<boolean>;
  #settle: (cut: boolean) => void = () => {};
  #isSpent = false;

  constructor(bytes: number) {
    this.remaining = bytes;
    this.done = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  get isSpent(): boolean {
    return this.#isSpent;
  }

  /** `didCut` false withdraws it. */
  settle(didCut: boolean): void {
    this.#isSpent = true;
    this.#settle(didCut);
  }
}
