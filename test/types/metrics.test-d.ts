import type { MeterProvider } from '@opentelemetry/api';
import type { Registry } from 'prom-client';
import {
  type CommandFailure,
  createMultiDbClient,
  type DiagnosticsMessage,
  diagnosticsChannelName,
  openClients,
  type SwitchReason,
} from 'redis-multidb';
import { otelMetrics } from 'redis-multidb/otel';
import { prometheusMetrics } from 'redis-multidb/prometheus';

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(..._: Equal<A, B> extends true ? [] : ['not the same type']): void {}

declare const register: Registry;
declare const meterProvider: MeterProvider;

const databases = [{ client: { url: 'redis://east' } }];
const client = createMultiDbClient({ databases, client: { RESP: 3 } });
const other = createMultiDbClient({ databases, client: { RESP: 2 } });

same<ReturnType<typeof prometheusMetrics>, () => void>();
prometheusMetrics();
prometheusMetrics({ register, clients: [client, other, ...openClients()] });
// @ts-expect-error: no such option
prometheusMetrics({ registry: register });
otelMetrics({ meterProvider, clients: [client, other] });
// @ts-expect-error: not a client
otelMetrics({ clients: [{}] });

const stats = client.stats();
same<(typeof stats)['switches'][number]['reason'], SwitchReason>();
same<keyof (typeof stats)['databases'][number]['commands']['failed'], CommandFailure>();
// @ts-expect-error: read only
stats.pending = 0;

same<DiagnosticsMessage<'switch'>['reason'], SwitchReason>();
same<DiagnosticsMessage<'ready'>['client'], string>();
same<DiagnosticsMessage<'error'>['error'], Error>();
const name: 'redis-multidb:switch' = diagnosticsChannelName('switch');
// @ts-expect-error: no such event
diagnosticsChannelName('swich');

export { name };
