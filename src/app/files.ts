/** Files that the user names beside the download's own. */
export { openLogFile } from '../disk/log-file.js';
export type { LinesKind } from '../disk/log-file.js';
export { readSmallFile, readSmallText } from '../disk/open.js';
export { isInBackground } from '../disk/foreground.js';
