/** The load of an application's drill: HTTP requests of concurrent callers. */
import { EventEmitter } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import { systemClock } from '../../clock.js';
import { Pace, type Rate } from '../load/pace.js';
import type { Mark, Recorder } from '../load/recorder.js';
import { duration } from '../report/format.js';
import { filled } from './template.js';

/** A request that is sent repeatedly; `{n}` in its URL is replaced by the number of the request. */
export interface AppRequest {
  readonly method: string;
  readonly url: string;
}

export interface Answer {
  readonly beganAt: number;
  readonly at: number;
  /** The status of the response, or the reason why there is none. */
  readonly status: number | string;
  readonly good: boolean;
}

interface Pending {
  readonly beganAt: number;
  cut(): void;
}

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);
/**
 * Connections are kept alive if each caller sends more often than this, in milliseconds. A server
 * closes connections that are idle for some seconds, and a race with that is not an error.
 */
const KEEP_ALIVE_BELOW_MS = 1000;

/** Sends the requests. A response with a status below 400 is a success. */
export class Requests extends EventEmitter<{ answer: [Answer] }> {
  reads = 0;
  writes = 0;
  goodWrites = 0;
  readonly statuses: Record<string, number> = {};
  readonly pending = new Set<Pending>();
  /**
   * Requests begin while all databases are down, or before the application has recovered from that.
   */
  allDown = false;
  /** Errors are kept apart from those of the steps. */
  onEnding: ((answer: Answer) => void) | undefined;
  readonly #pace: Pace;
  readonly #agents: { http: http.Agent; https: https.Agent };
  #number = 0;

  constructor(
    private readonly requests: readonly AppRequest[],
    private readonly headers: Readonly<Record<string, string>>,
    private readonly recorder: Recorder,
    rate: Rate,
    private readonly timeoutMs: number,
  ) {
    super();
    this.setMaxListeners(0);
    const keepAlive = (1000 * rate.callers) / rate.ratePerSecond < KEEP_ALIVE_BELOW_MS;
    this.#agents = { http: new http.Agent({ keepAlive }), https: new https.Agent({ keepAlive }) };
    this.#pace = new Pace(
      () => recorder.now(),
      rate,
      () => this.#turn(),
    );
  }

  start(): void {
    if (this.requests.length > 0) this.#pace.start();
  }

  /** Starts no more requests. */
  stop(): void {
    this.#pace.stop();
  }

  /** Ends requests in progress and closes every connection. */
  close(): void {
    this.stop();
    for (const each of this.pending) each.cut();
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }

  /**
   * Waits for the response to the first request that begins from now on; `any`: an error response
   * counts, too.
   */
  next(any: boolean): { at: Promise<number>; forget(): void } {
    const from = this.recorder.now();
    let forget = () => {};
    const at = new Promise<number>((resolve) => {
      const onAnswer = ({ beganAt, at: answeredAt, good, status }: Answer) => {
        if (beganAt < from || !(good || (any && typeof status === 'number'))) return;
        forget();
        resolve(answeredAt);
      };
      forget = () => this.off('answer', onAnswer);
      this.on('answer', onAnswer);
    });
    return { at, forget };
  }

  /** Sends the `index`th request once. Never rejects. */
  async send(index: number): Promise<Answer> {
    const request = this.requests[index % this.requests.length] as AppRequest;
    const beganAt = this.recorder.now();
    const status = await this.#send(request, beganAt);
    return { beganAt, at: this.recorder.now(), status, good: isGood(status) };
  }

  async #turn(): Promise<void> {
    const { recorder, allDown } = this;
    const index = this.#number;
    const began = recorder.mark();
    const isWrite = !SAFE.has((this.requests[index % this.requests.length] as AppRequest).method);
    if (isWrite) this.writes += 1;
    else this.reads += 1;
    const answer = await this.send(index);
    const key = String(answer.status);
    this.statuses[key] = (this.statuses[key] ?? 0) + 1;
    if (answer.good) {
      if (isWrite) this.goodWrites += 1;
      recorder.onSuccess(answer.at - answer.beganAt, began);
    } else if (this.onEnding !== undefined) this.onEnding(answer);
    else this.#failed(answer, began, isWrite, allDown);
    this.emit('answer', answer);
  }

  #failed({ status }: Answer, began: Mark, isWrite: boolean, allDown: boolean): void {
    const answered = typeof status === 'number';
    // A response at least, while no database could serve.
    const unavailable = answered && status >= 500 && (allDown || this.allDown);
    const kind = answered ? `HTTP ${status}` : status;
    const mark = unavailable ? { ...began, down: true } : began;
    this.recorder.onError(mark, { isWrite, kind, unavailable });
  }

  /** Resolves to the status, or to a word for the failure. */
  #send({ method, url }: AppRequest, beganAt: number): Promise<number | string> {
    this.#number += 1;
    const target = new URL(filled(url, new Map([['n', String(this.#number)]])));
    const isSecure = target.protocol === 'https:';
    const agent = isSecure ? this.#agents.https : this.#agents.http;
    const headers = { ...this.headers, ...(SAFE.has(method) ? {} : { 'content-length': '0' }) };
    return new Promise((resolve) => {
      const send = isSecure ? https.request : http.request;
      const request = send(target, { method, headers, agent });
      const pending: Pending = { beganAt, cut: () => request.destroy() };
      this.pending.add(pending);
      const end = (status: number | string) => {
        timer.cancel();
        this.pending.delete(pending);
        resolve(status);
      };
      const late = () => {
        end(`no answer within ${duration(this.timeoutMs)}`);
        request.destroy();
      };
      const timer = systemClock.after(this.timeoutMs, late, { keepAlive: true });
      request.once('response', (response) => {
        response.once('end', () => end(response.statusCode ?? 0));
        response.once('error', (error) => end(wordOf(error)));
        response.resume();
      });
      request.on('error', (error) => end(wordOf(error)));
      request.end();
    });
  }
}

function isGood(status: number | string): boolean {
  return typeof status === 'number' && status < 400;
}

function wordOf(error: NodeJS.ErrnoException): string {
  const { errors } = error as { errors?: NodeJS.ErrnoException[] };
  return error.code ?? errors?.[0]?.code ?? error.message;
}
