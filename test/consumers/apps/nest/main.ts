import { once } from 'node:events';
import { NestFactory } from '@nestjs/core';
import { Counter, Databases, DatabasesModule } from './databases';

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(DatabasesModule, { logger: false });
  const { client } = app.get(Databases);
  await app.get(Counter).increment();
  const failedOver = once(client, 'failover');
  process.kill(Number(process.env.EAST_PID), 'SIGKILL');
  await failedOver;
  await app.get(Counter).increment();
  await app.close();
  console.log('east -> west: health-check');
}

void main();
