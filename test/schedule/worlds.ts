/** `npm run worlds`: writes how long the named worlds take. */
import { writeFileSync } from 'node:fs';
import { TABLE, writeTable } from './table.js';
import { decideAsScheduled } from './scheduler-decider.js';

writeFileSync(TABLE, writeTable(decideAsScheduled));
