/**
 * What a signed request says of its own signature: AWS Signature Version 4, in the `Authorization` header
 * or, presigned, in the query. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
 */
import { isSignatureField } from "../../../contract/signed-query.ts";

export const ALGORITHM = "AWS4-HMAC-SHA256";

/** Nothing of it is proved. */
export interface SignatureClaim {
  readonly form: "header" | "query";
  readonly accessKeyId: string;
  readonly scope: Scope;
  /** Names in lower case, in the order in which they are written. */
  readonly signedHeaders: readonly string[];
  readonly signature: Buffer;
  /** As written: `20150830T123600Z`. */
  readonly timestamp: string;
  /** Epoch milliseconds. */
  readonly signedAt: number;
  /** How long a presigned request may be used from then on. */
  readonly lifetimeMs?: number;
}

export interface Scope {
  /** `20150830` */
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

export type Reading<T> = T | { readonly trouble: string };

const AUTHORIZATION = /^AWS4-HMAC-SHA256 +Credential=([^\s,]+), *SignedHeaders=([^\s,]+), *Signature=([^\s,]+)$/;
const CREDENTIAL = /^([A-Za-z0-9]{1,128})\/([0-9]{8})\/([^/]+)\/([^/]+)\/aws4_request$/;
const SIGNATURE = /^[0-9a-f]{64}$/;
const TIMESTAMP = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;
/** Lower-case tokens (RFC 9110 section 5.6.2) between semicolons. */
const SIGNED_HEADERS = /^[!#$%&'*+\-.^_`|~0-9a-z]+(?:;[!#$%&'*+\-.^_`|~0-9a-z]+)*$/;
/** AWS allows a week. */
const LONGEST_LIFETIME_SECONDS = 604_800;

/** True for the value of an `Authorization` header that is a signature of any version. */
export function isSignature(value: string): boolean {
  return /^aws4-/i.test(value);
}

/** The header form; `timestamps` are all values of `x-amz-date`. */
export function readHeaderForm(value: string, timestamps: readonly string[]): Reading<SignatureClaim> {
  const [, credential, signedHeaders, signature] = AUTHORIZATION.exec(value) ?? [];
  if (credential === undefined) return { trouble: "`Authorization` is no AWS4-HMAC-SHA256 signature" };
  if (timestamps.length !== 1) return { trouble: "`x-amz-date` is missing or repeated" };
  return claimOf("header", { credential, signedHeaders: signedHeaders!, signature: signature!, timestamp: timestamps[0]! });
}

const QUERY_FIELDS = [
  "X-Amz-Algorithm",
  "X-Amz-Credential",
  "X-Amz-Date",
  "X-Amz-Expires",
  "X-Amz-SignedHeaders",
  "X-Amz-Signature",
] as const;

/** The query form; `timestamps` are all values of `x-amz-date` among the headers, where none belongs. */
export function readQueryForm(query: string, timestamps: readonly string[]): Reading<SignatureClaim> {
  const fields = signatureFields(query);
  if (fields === undefined) return { trouble: "the query repeats or misspells a field of the signature, or has a session token" };
  const values = QUERY_FIELDS.map((name) => fields.get(name));
  const [algorithm, credential, timestamp, expires, signedHeaders, signature] = values;
  if (values.includes(undefined)) return { trouble: "the query lacks a field of the signature" };
  if (algorithm !== ALGORITHM) return { trouble: "X-Amz-Algorithm is not AWS4-HMAC-SHA256" };
  if (timestamps.length > 0) return { trouble: "a presigned request with `x-amz-date`" };
  const seconds = /^[1-9]\d{0,5}$/.test(expires!) ? Number(expires) : Number.NaN;
  if (!(seconds <= LONGEST_LIFETIME_SECONDS)) return { trouble: "X-Amz-Expires is not 1 to 604800" };
  const claim = claimOf("query", { credential: credential!, signedHeaders: signedHeaders!, signature: signature!, timestamp: timestamp! });
  return "trouble" in claim ? claim : { ...claim, lifetimeMs: seconds * 1000 };
}

/** Each of the six once, and nothing like them; undefined otherwise. */
function signatureFields(query: string): ReadonlyMap<string, string> | undefined {
  const fields = new Map<string, string>();
  for (const field of query.split("&").filter(isSignatureField)) {
    const equals = field.indexOf("=");
    const [name, value] = equals === -1 ? [field, ""] : [decoded(field.slice(0, equals)), decoded(field.slice(equals + 1))];
    if (name === undefined || value === undefined || fields.has(name)) return undefined;
    if (!QUERY_FIELDS.some((known) => known === name)) return undefined;
    fields.set(name, value);
  }
  return fields;
}

/** Undefined for a broken percent-encoding. */
export function decoded(text: string): string | undefined {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

interface Words {
  readonly credential: string;
  readonly signedHeaders: string;
  readonly signature: string;
  readonly timestamp: string;
}

function claimOf(form: SignatureClaim["form"], words: Words): Reading<SignatureClaim> {
  const [, accessKeyId, date, region, service] = CREDENTIAL.exec(words.credential) ?? [];
  if (accessKeyId === undefined) return { trouble: "the credential is not KEY/DATE/REGION/SERVICE/aws4_request" };
  if (!SIGNATURE.test(words.signature)) return { trouble: "the signature is not 64 hexadecimal digits in lower case" };
  if (!SIGNED_HEADERS.test(words.signedHeaders)) return { trouble: "the signed headers are no list of names in lower case" };
  const signedAt = instantOf(words.timestamp);
  if (signedAt === undefined) return { trouble: "the time of signing is malformed" };
  return {
    form,
    accessKeyId,
    scope: { date: date!, region: region!, service: service! },
    signedHeaders: words.signedHeaders.split(";"),
    signature: Buffer.from(words.signature, "hex"),
    timestamp: words.timestamp,
    signedAt,
  };
}

/** Undefined for what is no instant: 30 February too. */
function instantOf(timestamp: string): number | undefined {
  const parts = TIMESTAMP.exec(timestamp)?.slice(1).map(Number);
  if (!parts) return undefined;
  const [year, month, day, hour, minute, second] = parts as [number, number, number, number, number, number];
  const at = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  const written = at.toISOString().replaceAll(/[-:]|\.\d+/g, "");
  return written === timestamp ? at.getTime() : undefined;
}
