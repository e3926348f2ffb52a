/** The most connections of one download. */
export const MAX_CONNECTIONS = 64;
