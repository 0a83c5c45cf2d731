/** Options that all commands about accounts and keys have. */

export const JSON_OPTION = { json: { type: "boolean" } } as const;
export const SERVICE_OPTION = { service: { type: "string" } } as const;
export const CONFIG_HELP = `  --config F    the gateway file, which names the key store
                (default config/sallyport.yaml)\n`;
