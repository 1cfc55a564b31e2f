/**
 * The published BullMQ over this client: what happens to jobs when something happens to databases. All
 * of it runs with `BULLMQ_FAULTS=all`; otherwise each fault and each kind of databases at least once.
 */
import * as library from '@redis/client';
import type { ConnectionOptions } from 'bullmq';
import { connected, own } from '../../support.js';
import '../support.js';
import { describeFaults, type Fault, type Kind, runsAll, SETTINGS } from './faults.js';
import { BullMqLoad } from './scenario.js';

const isVersion5 = !('DEFAULT_RESP' in library);

/** What runs by default; with client version 5 only a part of it. */
const ALWAYS: Record<Kind, readonly Fault[]> = {
  pair: ['kill'],
  independent: [],
};
const WITH_6: Record<Kind, readonly Fault[]> = {
  pair: ['outage of all'],
  independent: ['freeze', 'switch by hand'],
};

describeFaults(
  async (targets, settle) => {
    const client = await connected(targets, SETTINGS);
    const another = async () => {
      const duplicate = own(client.duplicate());
      await duplicate.connect();
      return duplicate
        .withRetrySafety('accumulating')
        .withOutage('wait') as unknown as ConnectionOptions;
    };
    const producer = () => client as unknown as ConnectionOptions;
    return { client, load: await BullMqLoad.start({ producer, worker: another }, settle) };
  },
  (kind, fault) =>
    runsAll || ALWAYS[kind].includes(fault) || (!isVersion5 && WITH_6[kind].includes(fault)),
);
