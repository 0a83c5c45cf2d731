/** Rows of classes 2.9 and 2.12 of the attack catalogue that do not apply, each with its reason; every other row has a test whose name begins with its number. */
export const NOT_APPLICABLE_CONNECTIONS: ReadonlyMap<string, string> = new Map();
