/** `age-main.js TARGET SPARE`: {@link age} as a program, so that it can be traced. */
import { age } from './age.js';

const [, , target = '', spare = '0'] = process.argv;
if (!(await age(target, Number(spare)))) process.exitCode = 1;
