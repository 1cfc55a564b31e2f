/** For tests of applications and of this package: virtual time, fake databases, scripted faults. */
export type { Clock, Random, Timer, TimerOptions } from '../clock.js';
export type { CommandArgument } from '../core/command-argument.js';
export {
  type Execution,
  FakeDatabase,
  type FakeDatabaseOptions,
} from './fake-database.js';
export { FakeConflictError, FakeErrorReply, FakeNetworkError } from './fake-errors.js';
export type { FakeConnectionKind, FakeDirection } from './fake-network.js';
export type { ServerState } from './fake-store.js';
export { FaultScript } from './fault-script.js';
export { seededRandom } from './random.js';
export {
  type SendInTransaction,
  SimulatedClient,
  type SimulatedClientOptions,
  type SimulatedDatabase,
  type SimulatedEvent,
} from './simulated-client.js';
export { VirtualClock } from './virtual-clock.js';
