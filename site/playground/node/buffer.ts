/** What the engine uses of `Buffer`, for the browser. */

type Encoding = 'utf8' | 'latin1' | 'hex' | 'base64' | 'base64url';

export class BrowserBuffer extends Uint8Array {
  static override from(source: ArrayLike<number> | Iterable<number> | string): BrowserBuffer {
    const bytes =
      typeof source === 'string' ? new TextEncoder().encode(source) : Array.from(source);
    const buffer = new BrowserBuffer(bytes.length);
    buffer.set(bytes);
    return buffer;
  }

  static isBuffer(value: unknown): value is BrowserBuffer {
    return value instanceof BrowserBuffer;
  }

  static byteLength(value: string | Uint8Array): number {
    return typeof value === 'string' ? new TextEncoder().encode(value).length : value.length;
  }

  equals(other: Uint8Array): boolean {
    return this.length === other.length && this.every((byte, index) => byte === other[index]);
  }

  override toString(encoding: Encoding = 'utf8'): string {
    const latin1 = () => Array.from(this, (byte) => String.fromCharCode(byte)).join('');
    switch (encoding) {
      case 'utf8':
        return new TextDecoder().decode(this);
      case 'latin1':
        return latin1();
      case 'hex':
        return Array.from(this, (byte) => byte.toString(16).padStart(2, '0')).join('');
      case 'base64':
        return btoa(latin1());
      case 'base64url':
        return btoa(latin1()).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
    }
  }
}
