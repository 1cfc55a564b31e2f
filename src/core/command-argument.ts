export type CommandArgument = string | Buffer;
