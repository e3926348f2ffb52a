/** The most connections of one download. */
export const MAX_CONNECTIONS = 64;

/** The most files that are downloaded at once. */
export const MAX_JOBS = 256;

/** Connections to one host over all files of a run, where nobody says another number. */
export const PER_HOST = 16;
