/** The parts of a prompt or a response whose tokens have different prices. */

export const TOKEN_PARTS = ["input", "output", "cache_read", "cache_write", "cache_write_1h"] as const;
export type TokenPart = (typeof TOKEN_PARTS)[number];
