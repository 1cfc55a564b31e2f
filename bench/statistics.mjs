/** @param {readonly number[]} values */
export const sorted = (values) => [...values].sort((a, b) => a - b);

/** @param {readonly number[]} values @param {number} share 0 to 1 */
export function percentile(values, share) {
  const all = sorted(values);
  const index = Math.min(all.length - 1, Math.ceil(all.length * share) - 1);
  return all[Math.max(0, index)] ?? Number.NaN;
}

/** @param {readonly number[]} values */
export const median = (values) => percentile(values, 0.5);
