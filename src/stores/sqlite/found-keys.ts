/** Keys that were found in one state of the store, so that a busy key is not a query for each request. */
import type { KeyRecord } from "../../contract/caller.ts";

/** What does not exist is not remembered: strangers make up ids. */
const MOST_FOUND = 10_000;

export class FoundKeys {
  #state: object | undefined;
  readonly #services = new Map<string, Map<string, KeyRecord>>();
  #count = 0;

  /** The key as `look` finds it, or found it in this same state. */
  find(state: object, service: string, id: string, look: () => KeyRecord | undefined): KeyRecord | undefined {
    if (state !== this.#state || this.#count >= MOST_FOUND) this.#begin(state);
    const known = this.#services.get(service)?.get(id);
    if (known !== undefined) return known;
    const found = look();
    if (found !== undefined) this.#keep(service, id, found);
    return found;
  }

  #begin(state: object): void {
    this.#state = state;
    this.#services.clear();
    this.#count = 0;
  }

  #keep(service: string, id: string, found: KeyRecord): void {
    const ofService = this.#services.get(service) ?? new Map<string, KeyRecord>();
    this.#services.set(service, ofService.set(id, found));
    this.#count += 1;
  }
}
