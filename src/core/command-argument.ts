/** One argument of a command. */
export type CommandArgument = string | Buffer;
