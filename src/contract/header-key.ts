/**
 * One key for all spellings of a header name that some server takes for the same: lower case, with `-` for whatever is neither
 * letter nor digit (CGI and WSGI servers make `_` of `.`, and some of each other sign too).
 */
export function headerKey(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, "-");
}
