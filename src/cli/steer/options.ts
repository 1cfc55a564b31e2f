/** Options of the commands below `steer`. */

/** Where the key is, and how it is reached. */
export interface KeyOptions {
  readonly key?: string;
  readonly secret?: string;
  /** Time within which each database must answer, in milliseconds. */
  readonly timeout: number;
  readonly json: boolean;
}

/** What is published, and how. */
export interface SteerOptions extends KeyOptions {
  readonly for?: number;
  readonly spread?: number;
  /** In percent. */
  readonly canary?: number;
  readonly reason?: string;
  readonly by?: string;
  readonly force?: boolean;
  readonly dryRun: boolean;
  /** URL of the handler that publishes, in place of databases. */
  readonly url?: string;
  readonly header: readonly string[];
  readonly yes: boolean;
}
