import { TUNING } from '../schedule/tuning.js';
import type { DownloadOptions } from './options.js';

/** The most connections that the user allows. */
export function maxConnections({ connections }: Pick<DownloadOptions, 'connections'>): number {
  return connections === 'auto' ? TUNING.most : connections;
}

/** Sources of one file that work at the same time. */
export const SOURCES_AT_ONCE = 4;
