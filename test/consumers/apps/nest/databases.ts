import { Injectable, Module, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { createMultiDbClient, type MultiDbClient } from 'redis-multidb';

@Injectable()
export class Databases implements OnModuleInit, OnModuleDestroy {
  readonly client: MultiDbClient = createMultiDbClient({
    databases: [
      { id: 'east', weight: 1, client: { url: process.env.EAST_URL ?? '' } },
      { id: 'west', weight: 0.5, client: { url: process.env.WEST_URL ?? '' } },
    ],
  });

  async onModuleInit(): Promise<void> {
    await this.client.connect();
  }

  async onModuleDestroy(): Promise<void> {
    await this.client.close();
  }
}

@Injectable()
export class Counter {
  constructor(private readonly databases: Databases) {}

  increment(): Promise<number> {
    return this.databases.client.incr('hits');
  }
}

@Module({ providers: [Databases, Counter], exports: [Counter, Databases] })
export class DatabasesModule {}
