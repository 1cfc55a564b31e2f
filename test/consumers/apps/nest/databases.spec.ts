import { once } from 'node:events';
import { Test } from '@nestjs/testing';
import { ClientClosedError } from 'redis-multidb';
import { Counter, Databases, DatabasesModule } from './databases';

it('the service goes on when a database is killed', async () => {
  const app = await Test.createTestingModule({ imports: [DatabasesModule] }).compile();
  await app.init();
  const { client } = app.get(Databases);
  const counter = app.get(Counter);
  expect(await counter.increment()).toBe(1);
  const failedOver = once(client, 'failover');
  process.kill(Number(process.env.EAST_PID), 'SIGKILL');
  await failedOver;
  expect(client.activeDatabase).toBe('west');
  expect(await counter.increment()).toBe(1);
  await app.close();
  await expect(client.get('hits')).rejects.toBeInstanceOf(ClientClosedError);
}, 60_000);
