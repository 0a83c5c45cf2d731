/** The files of a policy in pieces that each take a moment to receive: from the loading thread, or from process to process. */
import type { InvalidFiles, LoadOptions, ReadFiles } from "../policy/outcome.ts";
import type { SoundFiles, SoundRoute } from "../policy/sound.ts";

/** What the thread is asked. */
export interface Job {
  readonly options: LoadOptions;
  /** Whether the policy's tests count, where it asks for them; and when they happen that name no time (epoch milliseconds). */
  readonly provenAt?: number;
}

/** The first message: all that is wrong, or the files without their tables. */
export type Head = InvalidFiles | ({ readonly kind: "sound"; readonly sound: SoundFiles } & ReadFiles);

/** Some lines of the table of one service. */
export interface Routes {
  readonly service: number;
  readonly routes: readonly SoundRoute[];
}

/** The next ones, each when it is asked for. */
export type Piece = ({ readonly kind: "routes" } & Routes) | { readonly kind: "end" };

const ROUTES_IN_PIECE = 500;

export function withoutTables(sound: SoundFiles): SoundFiles {
  return { ...sound, services: sound.services.map(({ file }) => ({ file, routes: [] })) };
}

export function* piecesOf({ services }: SoundFiles): Generator<Routes> {
  for (const [service, { routes }] of services.entries())
    for (let first = 0; first < routes.length; first += ROUTES_IN_PIECE)
      yield { service, routes: routes.slice(first, first + ROUTES_IN_PIECE) };
}

/** Puts the pieces together again. */
export class Assembly {
  readonly #head: SoundFiles;
  readonly #tables: SoundRoute[][];

  constructor(head: SoundFiles) {
    this.#head = head;
    this.#tables = head.services.map(() => []);
  }

  add({ service, routes }: Routes): void {
    this.#tables[service]?.push(...routes);
  }

  sound(): SoundFiles {
    return { ...this.#head, services: this.#head.services.map(({ file }, index) => ({ file, routes: this.#tables[index] ?? [] })) };
  }
}
