import { describe, expect, it } from 'vitest';
import {
  type ClusterView,
  missingSlots,
  seedFindings,
  shapeFindings,
  slotFindings,
} from './cluster-rules.js';
import type { Finding } from './report.js';
import { replicaFindings, type SentinelView, sentinelFindings } from './sentinel-rules.js';

const node = (id: string) => ({ id, host: id, port: 6379 });
const range = (from: number, to: number, master: string, ...replicas: string[]) => ({
  from,
  to,
  master: node(master),
  replicas: replicas.map(node),
});
const WHOLE = [range(0, 8191, 'a', 'c'), range(8192, 16_383, 'b', 'd')];
const view = (over: Partial<ClusterView> = {}): ClusterView => ({
  state: 'ok',
  ranges: WHOLE,
  failed: [],
  ...over,
});
const seen = (address: string, over: Partial<ClusterView> = {}) => ({ address, seen: view(over) });
const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
const told = (findings: readonly Finding[]) =>
  findings.map(({ level, check, text }) => `${level} ${check}: ${text}`);

describe('a cluster', () => {
  it.each([
    [WHOLE, 0, ''],
    [[], 16_384, '0-16383'],
    [[range(1, 99, 'a'), range(200, 16_383, 'a')], 101, '0, 100-199'],
    [[range(0, 16_382, 'a')], 1, '16383'],
    [[range(8192, 16_383, 'b'), range(0, 8191, 'a')], 0, ''],
  ])('slots that are missing: %j', (ranges, count, text) => {
    expect(missingSlots(ranges)).toEqual({ count, ranges: text });
  });

  it('many gaps are cut short', () => {
    const ranges = Array.from({ length: 9 }, (_, at) => range(at * 2, at * 2, 'a'));
    expect(missingSlots(ranges).ranges).toBe('1, 3, 5, 7, 9, ...');
  });

  it('that is whole has nothing to say of its slots, once for all seeds where it has', () => {
    expect(slotFindings([seen('a:1'), seen('b:1')])).toEqual([]);
    const down = { state: 'fail', failed: ['c:6379'] };
    expect(told(slotFindings([seen('a:1', down), seen('b:1', down)]))).toEqual([
      'problem slots: the cluster is down (cluster_state:fail); asked a:1',
      'warning node: c:6379 has failed according to the other nodes',
    ]);
  });

  it('seeds of two clusters are a problem, of one they are none', () => {
    const other = [range(0, 16_383, 'z')];
    expect(told(seedFindings([seen('a:1'), seen('b:1', { ranges: other })]))).toEqual([
      'problem seeds: b:1 and a:1 belong to different clusters',
    ]);
    expect(seedFindings([seen('a:1'), seen('b:1')])).toEqual([]);
  });

  it('a seed that is gone is a problem if no other one answers', () => {
    const gone = { address: 'x:1', error: refused };
    expect(told(seedFindings([gone]))).toEqual([
      expect.stringMatching(/^problem reachable: x:1: the connection is refused/),
    ]);
    expect(told(seedFindings([gone, seen('a:1')]))).toEqual([
      expect.stringMatching(/^warning reachable: x:1: .*through the other rootNodes$/),
    ]);
  });

  it('masters without a replica are noted', () => {
    const alone = view({ ranges: [range(0, 8191, 'a', 'c'), range(8192, 16_383, 'b')] });
    expect(told(shapeFindings(alone, []))).toContainEqual(
      expect.stringMatching(/^note nodes: 1 of 2 masters has no replica/),
    );
    expect(told(shapeFindings(view(), []))).toEqual([
      'ok slots: all 16384 are served',
      'ok nodes: 2 masters and 2 replicas, 0 of 0 can be reached',
    ]);
  });
});

describe('Sentinel', () => {
  const WELL: SentinelView = {
    master: 'm:6379',
    names: [],
    flags: ['master'],
    noQuorum: undefined,
    others: 2,
    replicas: ['r:6379'],
  };
  const sees = (address: string, over: Partial<SentinelView> = {}) => ({
    address,
    seen: { ...WELL, ...over },
  });
  const judged = (...visits: Parameters<typeof sentinelFindings>[1][number][]) =>
    told(sentinelFindings('m', visits));
  const three = [sees('s1:1'), sees('s2:1'), sees('s3:1')];

  it('that is healthy', () => {
    expect(judged(...three)).toEqual([
      'ok sentinel: 3 of 3 Sentinels know "m", its master is m:6379',
    ]);
  });

  it.each([
    [
      sees('s3:1', { master: undefined }),
      'warning sentinel: s3:1: does not know a master "m"; it watches none',
    ],
    [
      sees('s3:1', { master: 'n:6379' }),
      'warning sentinel: the Sentinels report different masters: m:6379 (s1:1, s2:1), n:6379 (s3:1)',
    ],
    [
      sees('s3:1', { flags: ['master', 's_down'] }),
      'warning sentinel: 1 of the Sentinels say that the master is down',
    ],
    [
      sees('s3:1', { noQuorum: '1 usable' }),
      'warning quorum: too few Sentinels can agree on a failover (1 usable; asked s3:1); a failed master is not replaced',
    ],
  ])('of which one differs: %j', (third, text) => {
    expect(judged(sees('s1:1'), sees('s2:1'), third)).toContain(text);
  });

  it('too few in all, or one of several in the configuration', () => {
    const two = { others: 1 };
    expect(judged(sees('s1:1', two), sees('s2:1', two))[1]).toMatch(
      /^warning quorum: 2 Sentinels in total/,
    );
    expect(judged(sees('s1:1'))[1]).toMatch(/^warning sentinel: .* has one of 3 Sentinels/);
  });

  it('no replica, one that is gone, and one that is healthy', () => {
    expect(told(replicaFindings([]))).toEqual([
      'warning replicas: the master has no replica that could replace it',
    ]);
    const gone = { visit: { address: 'r:1', error: refused } };
    const well = { visit: { address: 'r:2', seen: new Map() } };
    expect(told(replicaFindings([gone, well]))).toEqual([
      'ok replicas: 1 of 2 are healthy',
      expect.stringMatching(/^warning reachable: the replica r:1, as reported by the Sentinels: /),
    ]);
  });
});
