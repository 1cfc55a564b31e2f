/** Loads every entry point, whose types are checked with it, and fails over. */
import { loadConfig } from 'redis-multidb/config';
import { createHttpHandler, type HttpHandlerOptions } from 'redis-multidb/http';
import { VirtualClock } from 'redis-multidb/testing';
import { failover } from './failover.js';

const options: HttpHandlerOptions = { read: 'loopback' };
if ([loadConfig, createHttpHandler].some((each) => typeof each !== 'function') || !options.read)
  throw new Error('an entry point lacks a function');
if (typeof new VirtualClock().now() !== 'number') throw new Error('the virtual clock has no time');

failover().then(
  (switches) => console.log(switches),
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
