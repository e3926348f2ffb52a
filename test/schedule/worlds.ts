/** `npm run worlds`: writes how long the named worlds take. */
import { writeFileSync } from 'node:fs';
import { TABLE, writeTable } from './table.js';
import { decideAsToday } from './today.js';

writeFileSync(TABLE, writeTable(decideAsToday));
