/** The clocks of a gateway under test. They stand still unless the test moves them. */
export class Clocks {
  /** The day's time: tokens, keys and secrets end by it. */
  epochMs = Date.UTC(2026, 11, 1, 12);
  /** Limits count by it. */
  monotonicMs = 0;

  readonly now = (): number => this.epochMs;
  readonly monotonicNow = (): number => this.monotonicMs;

  /** Lets time pass on both. */
  pass(ms: number): void {
    this.epochMs += ms;
    this.monotonicMs += ms;
  }
}
