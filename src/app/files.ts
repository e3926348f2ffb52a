/** Small files that the user names. */
export { readSmallFile as readTextFile } from '../disk/open.js';
