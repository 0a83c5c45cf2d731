/**
 * Whether a token came before: what a cache asks before it takes one in, so that those which come once only do not push out
 * those that come again ("doorkeeper": Einziger, Friedman and Manes, TinyLFU, section 3.4.2). A Bloom filter of two bits for
 * each: now and then it says yes to a new one, which costs a place in the cache and nothing else.
 */

const BITS_PER_TOKEN = 8;
const HASHED_CHARACTERS = 16;

export class SeenBefore {
  readonly #mask: number;
  readonly #cacheBytes: number;
  /** Those since all was forgotten last, and those between that and the time before. */
  #late: Uint32Array;
  #early: Uint32Array;
  #newBytes = 0;

  /** `leastBytes`: what the smallest token takes of the cache's. */
  constructor(cacheBytes: number, leastBytes: number) {
    const bits = 2 ** Math.ceil(Math.log2(Math.max(1_024, (BITS_PER_TOKEN * cacheBytes) / leastBytes)));
    this.#mask = bits - 1;
    this.#cacheBytes = cacheBytes;
    this.#late = new Uint32Array(bits / 32);
    this.#early = new Uint32Array(bits / 32);
  }

  /**
   * Whether it came before; from now on it has, until as many new ones as fill the cache have come: by then the cache
   * itself would have let go of it. Its last characters tell tokens apart: they are of the signature.
   */
  note(token: string, bytes: number): boolean {
    const [first, second] = this.#bitsOf(token);
    if (isSet(this.#late, first) && isSet(this.#late, second)) return true;
    mark(this.#late, first);
    mark(this.#late, second);
    this.#newBytes += bytes;
    if (this.#newBytes > this.#cacheBytes) this.#forget();
    return false;
  }

  /** Whether it may be in the cache. What is asked for is remembered for longer. */
  has(token: string): boolean {
    const [first, second] = this.#bitsOf(token);
    if (isSet(this.#late, first) && isSet(this.#late, second)) return true;
    if (!isSet(this.#early, first) || !isSet(this.#early, second)) return false;
    mark(this.#late, first);
    mark(this.#late, second);
    return true;
  }

  #bitsOf(token: string): readonly [number, number] {
    const hash = hashOf(token);
    return [hash & this.#mask, Math.imul(hash ^ (hash >>> 15), 0x2c1b_3c6d) & this.#mask];
  }

  #forget(): void {
    [this.#early, this.#late] = [this.#late, this.#early.fill(0)];
    this.#newBytes = 0;
  }
}

function isSet(words: Uint32Array, bit: number): boolean {
  return (words[bit >>> 5]! & (1 << (bit & 31))) !== 0;
}

function mark(words: Uint32Array, bit: number): void {
  words[bit >>> 5]! |= 1 << (bit & 31);
}

function hashOf(token: string): number {
  let hash = 0x811c_9dc5;
  for (let at = Math.max(0, token.length - HASHED_CHARACTERS); at < token.length; at++) {
    hash = Math.imul(hash ^ token.charCodeAt(at), 0x0100_0193);
  }
  return hash ^ (hash >>> 16);
}
