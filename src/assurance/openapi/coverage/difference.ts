/** The callers that an operation asks for against those whom its route lets in: in the words of scopes, which is all that a document tells. */
import type { Policy, Route, Service } from "../../../contract/policy.ts";
import { type Place, placesOf, reachOf } from "../../classes/reach.ts";
import { accessKey } from "../../matrix/matrix.ts";
import type { Alternative, ApiDocument, Security } from "../model.ts";
import { opens, openedWithout, type Gate, type Way } from "./ways-in.ts";
import { type StandIns, standInsOf } from "./stand-ins.ts";

/** Sentences. `wider`: the route lets in whom the document does not. `narrower`: the document lets in whom the route does not. */
export interface Difference {
  readonly wider: readonly string[];
  readonly narrower: readonly string[];
}

const NONE: Difference = { wider: [], narrower: [] };

export class Differences {
  readonly #policy: Policy;
  readonly #places: readonly Place[];
  readonly #schemes: ApiDocument["schemes"];
  readonly #standIns: StandIns;
  /** Epoch milliseconds. */
  readonly #now: number;
  readonly #known = new Map<string, Difference>();

  constructor(policy: Policy, service: Service, document: ApiDocument, now: number) {
    this.#policy = policy;
    this.#places = placesOf(policy).get(service) ?? [];
    this.#schemes = document.schemes;
    this.#standIns = standInsOf(service, document);
    this.#now = now;
  }

  /** Of a route that a request of the operation reaches, and that lets anybody in. */
  between(security: Security, route: Route): Difference {
    const reach = reachOf(this.#policy, route, this.#places);
    if (!reach) return NONE;
    const key = JSON.stringify([security, accessKey(reach)]);
    const known = this.#known.get(key) ?? this.#compare(security, { policy: this.#policy, reach, now: this.#now });
    this.#known.set(key, known);
    return known;
  }

  #compare(security: Security, gate: Gate): Difference {
    const isPublic = gate.reach.route.access.kind === "public";
    switch (security.kind) {
      case "unsaid":
        return NONE;
      case "unreadable":
        return { wider: ["what the document asks for cannot be read"], narrower: [] };
      case "none":
        return isPublic ? NONE : { wider: [], narrower: ["the document asks for no credential, and the route does"] };
      case "alternatives":
        return this.#compareAlternatives(security.alternatives, gate, isPublic);
    }
  }

  #compareAlternatives(alternatives: readonly Alternative[], gate: Gate, isPublic: boolean): Difference {
    const isFree = alternatives.some((alternative) => alternative.length === 0);
    if (isPublic) return isFree ? NONE : { wider: ["the route is public"], narrower: [] };
    const free = isFree ? ["the document lets callers without a credential in too"] : [];
    const narrower = alternatives.filter(({ length }) => length > 0).flatMap((one) => this.#narrower(one, gate));
    return { wider: isFree ? [] : this.#wider(alternatives, gate), narrower: [...free, ...new Set(narrower)] };
  }

  /** Two credentials together are more than the gateway asks for: such an alternative lets in nobody who has only one of them. */
  #wider(alternatives: readonly Alternative[], gate: Gate): readonly string[] {
    const singles = alternatives.flatMap((alternative) => (alternative.length === 1 ? alternative : []));
    const openers = gate.reach.route.authenticators.flatMap((authenticator) => {
      const allowed = singles.filter(({ scheme }) => this.#standIns(scheme).includes(authenticator)).map(({ scopes }) => scopes);
      return openersWords(openedWithout(gate, authenticator, allowed)).map((words) => ({ words, name: authenticator.name }));
    });
    const byWords = Map.groupBy(openers, ({ words }) => words);
    return [...byWords].map(([words, of]) => `${words} (${of.map(({ name }) => name).join(", ")}) opens it`);
  }

  #narrower(alternative: Alternative, gate: Gate): readonly string[] {
    const read = alternative
      .map((requirement) => ({ ...requirement, standIns: this.#standIns(requirement.scheme) }))
      .filter(({ standIns }) => standIns.length > 0);
    const [first, second] = read;
    if (!first) return [`no authenticator stands for ${alternative.map(({ scheme }) => scheme).join(" or ")}`];
    if (second) return [`${first.scheme} and ${second.scheme} are asked for together, and no request carries two credentials`];
    const { scheme, scopes, standIns } = first;
    const counting = standIns.filter((one) => gate.reach.route.authenticators.includes(one));
    if (counting.length > 0 && scopes.length === 0 && !this.#hasScopes(scheme)) return [];
    if (counting.some((authenticator) => opens(gate, authenticator, scopes) !== "no")) return [];
    return [`${scopesWords(scopes)} (${standIns.map(({ name }) => name).join(", ")}) does not open it`];
  }

  /** Of other schemes a document cannot say which scopes it takes. */
  #hasScopes(scheme: string): boolean {
    const kind = this.#schemes.get(scheme)?.kind;
    return kind === "oauth2" || kind === "openIdConnect";
  }
}

/* ── words ────────────────────────────────────────────────────────────── */

const MOST_NAMED = 5;

/** Scopes of which each is enough are said together. */
function openersWords(ways: readonly Way[]): readonly string[] {
  const secrets = ways.flatMap(({ secret }) => (secret === undefined ? [] : [`secret ${secret}`]));
  const scopes = ways.filter(({ secret }) => secret === undefined).map((way) => way.scopes);
  const singles = scopes.filter(({ length }) => length === 1).flat();
  const single = singles.length === 0 ? [] : [either(singles)];
  return [...new Set([...single, ...scopes.filter(({ length }) => length !== 1).map(scopesWords), ...secrets])];
}

function either(names: readonly string[]): string {
  const shown = [...new Set(names)];
  if (shown.length > MOST_NAMED + 1) shown.splice(MOST_NAMED, shown.length, `any of ${shown.length - MOST_NAMED} others`);
  return shown.join(" or ");
}

function scopesWords(scopes: readonly string[]): string {
  return scopes.length === 0 ? "no scope at all" : scopes.join(" with ");
}
