// The tables of docs/performance.md.

import { createRequire } from 'node:module';
import os from 'node:os';
import { CONTESTANTS } from './contestants.mjs';

export function machine() {
  const require = createRequire(import.meta.url);
  const version = (/** @type {string} */ name) => require(`${name}/package.json`).version;
  const [cpu] = os.cpus();
  return {
    cpu: `${cpu?.model.trim()}, ${os.cpus().length} cores`,
    redis6: version('@redis/client'),
    redis5: version('redis-client-5'),
    cockatiel: version('cockatiel'),
    opossum: version('opossum'),
    ioredis: version('ioredis'),
    iovalkey: version('iovalkey'),
  };
}

const number = (/** @type {number} */ value) =>
  Math.round(value).toLocaleString('en-US').replaceAll(',', ' ');
const title = (/** @type {string} */ name) => CONTESTANTS[name]?.title ?? name;

/** @param {any} report */
export function tables({ machine: m, rounds, ms, results, latencies, heaps }) {
  const lines = [
    `${m.cpu}; Node.js ${m.node}, node-redis ${m.redis6} and ${m.redis5}, cockatiel ${m.cockatiel}, opossum ${m.opossum}, ioredis ${m.ioredis}, iovalkey ${m.iovalkey}; ` +
      `${rounds} rounds of ${ms} ms. Each cell: operations a second, and the ratio to the first row with its 10th and 90th ` +
      'percentile.',
    '',
  ];
  const workloads = [...new Set(results.map((/** @type {any} */ r) => r.workload))];
  for (const workload of workloads) {
    const of = results.filter((/** @type {any} */ r) => r.workload === workload);
    const callers = [...new Set(of.map((/** @type {any} */ r) => r.callers))];
    const names = [...new Set(of.map((/** @type {any} */ r) => r.name))];
    const find = (/** @type {any} */ name, /** @type {any} */ c) =>
      of.find((/** @type {any} */ each) => each.name === name && each.callers === c);
    lines.push(
      `| ${workload} | ${callers.map((c) => `${number(c)} caller${c === 1 ? '' : 's'}`).join(' | ')} |`,
    );
    lines.push(`|---|${callers.map(() => '---:|').join('')}`);
    for (const name of names) {
      const cells = callers.map((c) => {
        const r = find(name, c);
        return `${number(r.perSecond)} · **${r.ratio.toFixed(2)}** (${r.low.toFixed(2)}–${r.high.toFixed(2)})`;
      });
      lines.push(`| ${title(name)} | ${cells.join(' | ')} |`);
    }
    lines.push('');
    if (!names.includes('ceiling')) continue;
    lines.push(
      `| ${workload}: share of the ceiling · CPU time per command | ${callers.map((c) => number(c)).join(' | ')} |`,
      `|---|${callers.map(() => '---:|').join('')}`,
    );
    for (const name of names) {
      const cells = callers.map((c) => {
        const r = find(name, c);
        return `**${r.ofCeiling.toFixed(2)}** · ${r.cpuUs.toFixed(2)} µs`;
      });
      lines.push(`| ${title(name)} | ${cells.join(' | ')} |`);
    }
    lines.push('');
  }
  if (latencies.length > 0) {
    lines.push(
      `| GET at ${number(latencies[0].perSecond)} a second | p50 | p99 | ratio of p99 |`,
      '|---|---:|---:|---:|',
    );
    for (const { name, p50, p99, ratio } of latencies) {
      lines.push(
        `| ${title(name)} | ${p50.toFixed(2)} ms | ${p99.toFixed(2)} ms | ${ratio.toFixed(2)} |`,
      );
    }
    lines.push('');
  }
  if (heaps.length > 0) {
    const base = heaps[0].bytes;
    lines.push('| heap of a GET under way | bytes | more than the first row |', '|---|---:|---:|');
    for (const { name, bytes } of heaps) {
      lines.push(`| ${title(name)} | ${number(bytes)} | ${number(bytes - base)} |`);
    }
    lines.push('');
  }
  return lines.join('\n');
}

/**
 * CPU time of each command, of the client and of its observers.
 * @param {any} report
 */
export function costTable({ machine: m, rounds, ms, results }) {
  const callers = [...new Set(results.map((/** @type {any} */ r) => r.callers))];
  const names = [...new Set(results.map((/** @type {any} */ r) => r.name))];
  const of = (/** @type {string} */ name, /** @type {number} */ c) =>
    results.find((/** @type {any} */ r) => r.name === name && r.callers === c);
  const lines = [
    `${m.cpu}; Node.js ${m.node}, node-redis ${m.redis6}; ${rounds} rounds of ${ms} ms. Each cell: CPU time of a GET, and what ` +
      'it is more than without an observer.',
    '',
    `| GET 32 B | ${callers.map((c) => `${number(c)} callers`).join(' | ')} |`,
    `|---|${callers.map(() => '---:|').join('')}`,
  ];
  for (const name of names) {
    const cells = callers.map((c) => {
      const { cpuUs } = of(name, c);
      const base = name.startsWith('plain') ? 'plain-6-no-timeout' : 'multidb-6';
      const more = cpuUs - of(base, c).cpuUs;
      return name === base
        ? `${cpuUs.toFixed(1)} µs`
        : `${cpuUs.toFixed(1)} µs · **+${more.toFixed(1)}**`;
    });
    lines.push(`| ${title(name)} | ${cells.join(' | ')} |`);
  }
  return lines.join('\n');
}

/**
 * What options cost that are off by default, as ratios to the same client without them.
 * @param {any} report
 */
export function featureTable({ machine: m, rounds, ms, results }) {
  const callers = [...new Set(results.map((/** @type {any} */ r) => r.callers))];
  const names = [...new Set(results.map((/** @type {any} */ r) => r.name))];
  const lines = [
    `${m.cpu}; Node.js ${m.node}, node-redis ${m.redis6}; ${rounds} rounds of ${ms} ms. Each cell: the rate as a ratio to the ` +
      'first row with its 10th and 90th percentile, and the CPU time per command.',
    '',
    `| GET 32 B | ${callers.map((c) => `${number(c)} callers`).join(' | ')} |`,
    `|---|${callers.map(() => '---:|').join('')}`,
  ];
  for (const name of names) {
    const cells = callers.map((c) => {
      const r = results.find((/** @type {any} */ each) => each.name === name && each.callers === c);
      const spread = `${r.low.toFixed(2)}–${r.high.toFixed(2)}`;
      const ratio =
        CONTESTANTS[name]?.base === undefined
          ? '**1.00**'
          : `**${r.ratio.toFixed(2)}** (${spread})`;
      return `${ratio} · ${r.cpuUs.toFixed(2)} µs`;
    });
    lines.push(`| ${title(name)} | ${cells.join(' | ')} |`);
  }
  return lines.join('\n');
}
