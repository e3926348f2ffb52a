// The checks that need no run, beside one another: each uses one processor. What each printed comes in one
// piece; fails when one of them did. Beside the tests they take what these leave of the processors.
import { spawn } from 'node:child_process';
import os from 'node:os';

const CHECKS = [
  ['eslint', '.'],
  ['prettier', '--check', '.'],
  ['depcruise', '--config', '.dependency-cruiser.cjs', 'src', 'workers'],
];

function run([program, ...args]) {
  return new Promise((resolve) => {
    const child = spawn('npx', ['--no-install', program, ...args]);
    let said = '';
    child.stdout.on('data', (data) => (said += data));
    child.stderr.on('data', (data) => (said += data));
    child.on('close', (status) => {
      console.log(`== ${[program, ...args].join(' ')}\n${said}`);
      resolve(status);
    });
  });
}

if (process.argv.includes('--beside')) os.setPriority(os.constants.priority.PRIORITY_LOW);
const statuses = await Promise.all(CHECKS.map(run));
if (statuses.some((status) => status !== 0)) process.exitCode = 1;
