// The queue, its worker and its events, as in any NestJS application.

import {
  BullModule,
  InjectQueue,
  OnQueueEvent,
  OnWorkerEvent,
  Processor,
  QueueEventsHost,
  QueueEventsListener,
  WorkerHost,
} from '@nestjs/bullmq';
import {
  Controller,
  Get,
  Inject,
  Module,
  Param,
  Put,
  Query,
  ServiceUnavailableException,
} from '@nestjs/common';
import type { Job, Queue } from 'bullmq';
import { connection, workerConnection } from './redis.js';

@Processor('emails', {
  connection: workerConnection,
  // Longer than commandDeadlineMs (10 seconds), so that a job keeps its lock during a switch.
  lockDuration: 30_000,
  // A job may stall at each switch. With the default of 1 the second time would fail it.
  maxStalledCount: 10,
})
class EmailProcessor extends WorkerHost {
  async process(job: Job<{ to: string }>): Promise<string> {
    return `sent to ${job.data.to}`;
  }

  @OnWorkerEvent('failed')
  onFailed(job: Job | undefined, error: Error): void {
    console.error(`failed: ${job?.id}: ${error.message}`);
  }

  // Without a listener an `error` event ends the process.
  @OnWorkerEvent('error')
  onError(error: Error): void {
    console.error('worker:', error.message);
  }
}

@QueueEventsListener('emails')
class EmailEvents extends QueueEventsHost {
  @OnQueueEvent('error')
  onError(error: Error): void {
    console.error('events:', error.message);
  }
}

/** For the caller, who may try again. */
function unavailable(error: Error): never {
  throw new ServiceUnavailableException(error.message);
}

@Controller('emails')
class EmailController {
  constructor(
    @InjectQueue('emails') private readonly queue: Queue,
    @Inject(EmailEvents) private readonly events: EmailEvents,
  ) {
    queue.on('error', (error) => console.error('queue:', error.message));
  }

  /** `GET /emails` answers with the number of jobs by state. */
  @Get()
  count(): Promise<Record<string, number>> {
    return this.queue.getJobCounts().catch(unavailable);
  }

  /** `PUT /emails/some-id?to=ada` adds a job and answers with its result. */
  @Put(':id')
  async send(@Param('id') jobId: string, @Query('to') to = 'nobody'): Promise<string> {
    const job = await this.#add(jobId, to).catch(unavailable);
    return job.waitUntilFinished(this.events.queueEvents, 20_000).catch(unavailable);
  }

  /** Adds again after an error: a job with an id of its own is added only once. */
  async #add(jobId: string, to: string): Promise<Job> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.queue.add('email', { to }, { jobId });
      } catch (error) {
        if (attempt === 3) throw error;
      }
    }
  }
}

@Module({
  imports: [BullModule.forRoot({ connection }), BullModule.registerQueue({ name: 'emails' })],
  controllers: [EmailController],
  providers: [EmailProcessor, EmailEvents],
})
export class EmailModule {}
