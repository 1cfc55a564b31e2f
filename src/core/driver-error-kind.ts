/**
 * - `reply`: an error reply of the server; its text decides further
 * - `connection`: the connection could not be made or was lost
 * - `caller`: the arguments can't be encoded, or the caller aborted
 */
export type DriverErrorKind = 'reply' | 'connection' | 'caller';
