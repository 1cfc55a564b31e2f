import type { LookupFunction } from 'node:net';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LoopClock } from '../../src/loop-clock.js';
import { NameLookups } from '../../src/name-lookup/name-lookups.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

const HOSTS = ['a.test', 'b.test', 'c.test', 'd.test'];

/** What a name server does with its names from one moment on. */
const behaviour = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ kind: 'prompt' as const }) },
  fc.constant({ kind: 'silent' as const }),
  fc.constant({ kind: 'failing' as const }),
  fc.record({ kind: fc.constant('slow' as const), ms: fc.integer({ min: 1, max: 3000 }) }),
);
const host = fc.constantFrom(...HOSTS);
const step = fc.oneof(
  fc.record({ kind: fc.constant('connect' as const), host, goneAfterMs: fc.option(fc.nat(500)) }),
  fc.record({ kind: fc.constant('refresh' as const), host }),
  fc.record({ kind: fc.constant('change' as const), host, behaviour }),
  fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(2000) }),
);

interface Asked {
  readonly knewBefore: boolean;
  readonly at: number;
  readonly abort: AbortController;
  told: number | undefined;
}

it('one lookup of a name, two of all; whoever may use a last known address has it within 140 ms', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
      const clock = new VirtualClock();
      const behaviours = new Map(
        HOSTS.map((each) => [each, { kind: 'prompt' } as { kind: string; ms?: number }]),
      );
      const running = new Map<string, number>();
      const known = new Set<string>();
      const system: LookupFunction = (name, _options, callback) => {
        expect(running.has(name)).toBe(false);
        running.set(name, clock.now());
        expect(running.size).toBeLessThanOrEqual(2);
        const { kind, ms } = behaviours.get(name) ?? { kind: 'prompt' };
        // A silent one ends as getaddrinfo does, with an error after some seconds.
        const delayMs = kind === 'silent' ? 10_000 : kind === 'slow' ? (ms ?? 0) : 1;
        clock.deliver(delayMs, () => {
          running.delete(name);
          const fails = kind === 'silent' || kind === 'failing';
          if (!fails) known.add(name);
          if (fails) callback(new Error('EAI_AGAIN') as never, '', 0);
          else callback(null, [{ address: '10.0.0.1', family: 4 }]);
        });
      };
      const loop = new LoopClock(clock, 20);
      const lookups = new NameLookups({ clock, loop, system });
      const asked: Asked[] = [];
      for (const each of steps) {
        if (each.kind === 'pass') await clock.advance(each.ms);
        else if (each.kind === 'change') behaviours.set(each.host, each.behaviour);
        else {
          const abort = new AbortController();
          const request = { host: each.host, options: {}, by: undefined, signal: abort.signal };
          if (each.kind === 'refresh') {
            lookups.refresh(request, 100);
            continue;
          }
          const one: Asked = {
            knewBefore: known.has(each.host),
            at: clock.now(),
            abort,
            told: undefined,
          };
          asked.push(one);
          lookups.lookup(request, (error) => {
            expect(one.told, 'told once').toBeUndefined();
            expect(abort.signal.aborted, 'told after it has gone').toBe(false);
            if (one.knewBefore) expect(error).toBeNull();
            one.told = clock.now();
          });
          if (each.goneAfterMs !== null) clock.deliver(each.goneAfterMs, () => abort.abort());
        }
      }
      await clock.advance(200_000);
      for (const one of asked) {
        if (one.told === undefined) expect(one.abort.signal.aborted).toBe(true);
        else if (one.knewBefore) expect(one.told - one.at).toBeLessThanOrEqual(140);
      }
      expect(running.size).toBe(0);
    }),
    { numRuns: 300 },
  );
});
