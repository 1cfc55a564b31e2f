/** Finds out which database the application uses while it runs. */

export interface Watch {
  readonly active: string | undefined;
  start(): void;
  stop(): void;
  /** Checks at once. Never rejects. */
  look(): Promise<void>;
  /** Resolves when the application can use these databases again. Rejects when it does not get there. */
  recovered(ids: readonly string[], timeoutMs: number): Promise<void>;
}
