/**
 * `lock-main.js TARGET KIND SEED`: takes the lock of a target again and again, and dies of SIGKILL now and
 * then while it has it. Whoever has the lock makes a file that nobody else may have made: two at once are
 * seen by that. Prints a line each time that it has had the lock, and ends with status 3 when it was not alone.
 */
import { closeSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { takeLock } from '../../src/disk/lock.js';
import type { Lock } from '../../src/disk/lock.js';
import { SluiceError } from '../../src/errors.js';
import * as net from '../../src/net/exclusive.js';
import { Dice } from '../helpers/dice.js';

const [, , target = '', kind = '', seed = '1'] = process.argv;
const dice = new Dice(Number(seed));

/** As where there are no sockets. */
const deaf = { ...net, listenAt: () => Promise.resolve(null) };
const options = {
  presence: kind === 'beat' ? deaf : net,
  shared: kind !== 'socket',
  stillMs: 60_000,
};

async function take(): Promise<Lock | null> {
  try {
    return await takeLock(target, options);
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'TARGET_BUSY') return null;
    throw error;
  }
}

const witness = `${target}.witness`;

function testify(): void {
  for (;;) {
    try {
      const fd = openSync(witness, 'wx');
      writeSync(fd, String(process.pid));
      return closeSync(fd);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    if (isAlive(readFileSync(witness, 'utf8'))) {
      process.stderr.write('two have the lock\n');
      process.exit(3);
    }
    unlinkSync(witness);
  }
}

/** One that is dead and not yet buried does nothing any more. An empty file is of one that died as it wrote. */
function isAlive(pid: string): boolean {
  if (pid === '') return false;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

writeSync(1, 'ready\n');
for (;;) {
  const lock = await take();
  if (lock === null) {
    await turn();
    continue;
  }
  testify();
  for (let turns = dice.int(0, 20); turns > 0; turns--) await turn();
  lock.requireHeld();
  writeSync(1, 'held\n');
  unlinkSync(witness);
  if (dice.chance(0.02)) process.kill(process.pid, 'SIGKILL');
  await lock.release();
}
