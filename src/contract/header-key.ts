/**
 * One key for all spellings of a header name that some server takes for the same:
 * lower case, with `_` and `.` as `-` (CGI and WSGI servers cannot tell these apart).
 */
export function headerKey(name: string): string {
  return name.toLowerCase().replaceAll(/[_.]/g, "-");
}
