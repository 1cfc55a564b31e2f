/** Hash slots of a Redis Cluster. */

export const HASH_SLOTS = 16_384;

const OPEN = 0x7b;
const CLOSE = 0x7d;

/** CRC16 of XMODEM: polynomial 0x1021, initially 0. */
const CRC16 = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
  return crc;
});

/**
 * The slot of a key, 0 to 16383: of the text in its first non-empty `{...}`, otherwise of the whole
 * key. Equals `keyHashSlot` of the server.
 */
export function hashSlot(key: string | Uint8Array): number {
  const bytes = typeof key === 'string' ? Buffer.from(key) : key;
  let from = 0;
  let to = bytes.length;
  const open = bytes.indexOf(OPEN);
  if (open >= 0) {
    const close = bytes.indexOf(CLOSE, open + 1);
    if (close > open + 1) {
      from = open + 1;
      to = close;
    }
  }
  let crc = 0;
  for (let index = from; index < to; index += 1) {
    const byte = ((crc >> 8) ^ (bytes[index] as number)) & 0xff;
    crc = ((crc << 8) & 0xffff) ^ (CRC16[byte] as number);
  }
  return crc & (HASH_SLOTS - 1);
}

/** The slot of all keys; `none` without keys, `several` if they have different slots. */
export function commonSlot(keys: readonly (string | Uint8Array)[]): number | 'none' | 'several' {
  const [first, ...others] = keys;
  if (first === undefined) return 'none';
  const slot = hashSlot(first);
  return others.every((key) => hashSlot(key) === slot) ? slot : 'several';
}

/** The shortest hash tag (a decimal number) whose slot `wanted` accepts. */
export function hashTagWhere(wanted: (slot: number) => boolean): string {
  for (let number = 0; number < 1_000_000; number += 1) {
    const tag = String(number);
    if (wanted(hashSlot(tag))) return tag;
  }
  throw new RangeError('no hash slot is wanted');
}
