/** Whatever is wanted, refused and revoked in whatever order: a connection ends with what is wanted. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { HeldSubscriptions, type SubscriptionAction } from '../../src/core/held-subscriptions.js';
import { WantedSubscriptions } from '../../src/core/wanted-subscriptions.js';

const NAMES = ['a', 'b', 'c', 'd'];
const name = fc.constantFrom(...NAMES);
const step = fc.oneof(
  fc.record({ do: fc.constant('want' as const), name }),
  fc.record({ do: fc.constant('unwant' as const), name }),
  fc.record({ do: fc.constant('answer' as const), at: fc.nat() }),
  fc.record({ do: fc.constant('deny' as const), name }),
  fc.record({ do: fc.constant('allow' as const), name }),
  fc.record({ do: fc.constant('revoke' as const), name }),
  fc.record({ do: fc.constant('retry' as const) }),
);

it('a connection settles at what is wanted and allowed', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const wanted = new WantedSubscriptions();
      const held = new HeldSubscriptions();
      const server = new Set<string>();
      const denied = new Set<string>();
      const listener = () => {};
      let underWay: { action: SubscriptionAction; name: string }[] = [];

      const look = (each: string) => {
        const action = held.next('channel', each, wanted.has('channel', each));
        if (action === undefined) return;
        expect(underWay.map((command) => command.name)).not.toContain(each);
        underWay.push({ action, name: each });
      };
      /** In any order: those of one name are never two. */
      const answer = (at: number) => {
        const [command] = underWay.splice(at % Math.max(underWay.length, 1), 1);
        if (command === undefined) return;
        if (command.action === 'subscribe' && denied.has(command.name)) {
          held.refuse('channel', command.name, command.action);
        } else {
          server[command.action === 'subscribe' ? 'add' : 'delete'](command.name);
          held.confirm('channel', command.name, command.action);
        }
        look(command.name);
      };
      const retry = () => {
        for (const each of held.names('channel', 'refused')) {
          held.retry('channel', each);
          look(each);
        }
      };
      for (const each of steps) {
        if (each.do === 'want') {
          const call = { kind: 'channel', names: [each.name], mode: 'strings', listener } as const;
          wanted.add(call);
          wanted.establish(call);
          look(each.name);
        } else if (each.do === 'unwant') {
          for (const gone of wanted.remove('channel', [each.name]).unwanted) look(gone);
        } else if (each.do === 'answer') answer(each.at);
        else if (each.do === 'deny') denied.add(each.name);
        else if (each.do === 'allow') denied.delete(each.name);
        else if (each.do === 'retry') retry();
        else if (held.state('channel', each.name) === 'subscribed') {
          server.delete(each.name);
          held.revoke('channel', each.name);
          look(each.name);
        }
        expect(held.subscribing).toBe(underWay.filter((x) => x.action === 'subscribe').length);
      }
      denied.clear();
      while (underWay.length > 0) answer(0);
      retry();
      while (underWay.length > 0) answer(0);
      underWay = [];
      expect([...server].sort()).toEqual([...wanted.names('channel')].sort());
      expect(held.names('channel', 'subscribed').sort()).toEqual([...server].sort());
    }),
    { numRuns: 500 },
  );
});
