/**
 * Whether a token came before: what a cache asks before it takes one in, so that those which come once only do not push out
 * those that come again ("doorkeeper": Einziger, Friedman and Manes, TinyLFU, section 3.4.2). A Bloom filter of two bits for
 * each: now and then it says yes to a new one, which costs a place in the cache and nothing else.
 */

const BITS_PER_TOKEN = 8;

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
   * Whether it came before; from now on it has, until so many new ones have come that they fill the cache once or twice: by
   * then the cache itself would have let go of it. `end` is a hash of the token.
   */
  note(end: number, bytes: number): boolean {
    const [first, second] = [end & this.#mask, Math.imul(end ^ (end >>> 15), 0x2c1b_3c6d) & this.#mask];
    if (isSet(this.#late, first) && isSet(this.#late, second)) return true;
    const early = isSet(this.#early, first) && isSet(this.#early, second);
    mark(this.#late, first);
    mark(this.#late, second);
    if (early) return true;
    this.#newBytes += bytes;
    if (this.#newBytes > this.#cacheBytes) this.#forget();
    return false;
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
