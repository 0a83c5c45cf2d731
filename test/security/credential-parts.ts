/** Which parts of what a client sends are secret. */

/** Shorter ones are words that stand in logs anyhow. */
const SHORTEST = 20;
const QUERY_SECRETS = /^(?:access_token|token|key|authorization|x-amz-signature|x-amz-security-token)$/i;

export function isSecret(text: string): boolean {
  return text.length >= SHORTEST && /^[\x21-\x7e]+$/.test(text);
}

/** Secrets of one header; `:path` is the request target. */
export function credentialParts(name: string, value: string): readonly string[] {
  return candidates(name.toLowerCase(), value).filter(isSecret);
}

function candidates(name: string, value: string): readonly string[] {
  switch (name) {
    case "authorization":
      return authorizationParts(value);
    case "cookie":
      return value.split(/; */).map((pair) => pair.slice(pair.indexOf("=") + 1));
    case "sec-websocket-protocol":
      return value.split(/, */).flatMap(tokenParts);
    case ":path":
      return queryParts(value);
    default:
      return name.endsWith("api-key") ? keyParts(value) : [];
  }
}

/** The id of an access key is public; its signature is not. */
function authorizationParts(value: string): readonly string[] {
  const signature = /Signature=([^\s,]+)/.exec(value)?.[1];
  return signature === undefined ? value.split(/[\s,"]+/).flatMap(tokenParts) : [signature];
}

/** A signature proves whatever stands before it. */
function tokenParts(token: string): readonly string[] {
  const parts = token.split(".");
  return parts.length === 3 ? [token, parts[2]!] : [token];
}

/** The id of an API key is public; what follows it is not. */
function keyParts(key: string): readonly string[] {
  return [key, key.slice(key.lastIndexOf("_") + 1)];
}

function queryParts(target: string): readonly string[] {
  const fields = target.slice(target.indexOf("?") + 1).split("&");
  return fields.flatMap((field) => {
    const [name = "", value = ""] = field.split("=");
    return QUERY_SECRETS.test(name) ? tokenParts(value) : [];
  });
}
