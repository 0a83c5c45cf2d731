/** Origins that are not `https://app.example`. */

/** Of other sites, some of which look like it to a careless comparison. */
export const FOREIGN: readonly string[] = [
  "null",
  "https://evil.example",
  "https://app.example.evil.com",
  "https://evilapp.example",
  "https://app.exampleevil",
  "https://app-example",
  "https://app.example@evil.com",
  "https://evil.com/app.example",
  "https://app.example%60.evil.com",
  "https://app.example_.evil.com",
  "https://app.example`x",
];

/** Other spellings of it; browsers send exactly one. */
export const LOOKALIKES: readonly string[] = [
  "http://app.example",
  "https://app.example:443",
  "https://app.example:8443",
  "HTTPS://APP.EXAMPLE",
  "https://APP.example",
  "https://app.example/",
  "https://app.example.",
  "https://xn--pp-eka.example",
  "https://äpp.example",
  "\u00a0https://app.example",
  "https://app.example\u00a0",
  "https://app.example,",
  "*",
];
