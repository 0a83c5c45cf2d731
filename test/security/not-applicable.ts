/**
 * Rows of the attack catalogue that do not apply, each with its reason; every other row has a test whose name begins with its number.
 * Of classes 2.1 to 2.4 every row applies.
 */
export const NOT_APPLICABLE: ReadonlyMap<string, string> = new Map();
