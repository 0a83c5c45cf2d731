/** Something that many requests share, with room for what was worked out from it. A copy has no room, and none of it. */
export class Noted {
  #note: object | undefined;

  /** What was noted of it last. */
  static noteOf(thing: object): object | undefined {
    return #note in thing ? thing.#note : undefined;
  }

  /** Takes the place of what was noted before; nothing where there is no room. */
  static note(thing: object, note: object): void {
    if (#note in thing) thing.#note = note;
  }
}
