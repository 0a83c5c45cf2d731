/** From the secret of an access key to the key that signs for one day, region and service. */
import { createHmac } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { SealOwner, Sealing } from "../../../contract/sealing.ts";
import type { Scope } from "./claim.ts";

/** An access key as far as signing goes. */
export interface SealedKey extends SealOwner {
  readonly sealedSecret: Uint8Array;
}

/** Undefined when the secret does not open. */
export type SigningKeys = (key: SealedKey, scope: Scope) => Buffer | undefined;

/** Some days' keys of so many clients: opening a secret and deriving its key takes longer than all else of a signature. */
const MOST_KEYS = 10_000;

export function createSigningKeys(sealing: Sealing): SigningKeys {
  const derived = new LRUCache<string, Buffer>({ max: MOST_KEYS });
  return (key, scope) => {
    const name = JSON.stringify([
      key.service,
      key.id,
      Buffer.from(key.sealedSecret).toString("base64"),
      scope.date,
      scope.region,
      scope.service,
    ]);
    const known = derived.get(name);
    if (known !== undefined) return known;
    const secret = sealing.open(key.sealedSecret, key);
    if (secret === undefined) return undefined;
    const made = deriveSigningKey(secret, scope);
    derived.set(name, made);
    return made;
  };
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html, step 4 */
function deriveSigningKey(secret: string, { date, region, service }: Scope): Buffer {
  return [region, service, "aws4_request"].reduce(hmac, hmac(`AWS4${secret}`, date));
}

export function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text, "utf8").digest();
}
