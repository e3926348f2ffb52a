/** Files that the user names beside the download's own. */
export { openLogFile } from '../disk/log-file.js';
export { readSmallFile as readTextFile } from '../disk/open.js';
