import { expect } from 'chai';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { filesIn } from '../helpers/command.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';
import { spawnSluice } from '../helpers/run-sluice.js';

/** `npm run races -- --races 100`. */
const RACES = Number(process.env['SLUICE_RACES'] ?? 20);
const SIZE = 1024 * 1024;

describe(`crash: two runs on one target, ${RACES} times`, function () {
  this.timeout(120_000 + RACES * 10_000);
  const dir = tempDirPerTest();

  it('P18: exactly one proceeds, the other exits 11 and touches nothing', async () => {
    // The winner cannot end before the loser has tried: its last byte waits.
    const env = { SLUICE_STATE_DIR: path.join(dir(), '.state') };
    for (let race = 0; race < RACES; race++) {
      const origin = await Origin.start({ size: SIZE, seed: race });
      origin.fault({ fault: { kind: 'hold', at: 1000 }, times: Infinity });
      try {
        const args = [
          'get',
          origin.url,
          '-o',
          race % 2 === 0 ? 'x' : `../${path.basename(dir())}/x`,
        ];
        const other = ['get', origin.url, '-o', path.join(dir(), 'x'), '--on-exists', 'overwrite'];
        const runs = [args, other].map((each) => spawnSluice(each, { cwd: dir(), env }));
        const first = await Promise.race(runs.map(({ ended }) => ended));
        expect(first.status, first.stderr).to.equal(11);
        expect(first.stderr).to.contain('another run');
        origin.release();
        const results = await Promise.all(runs.map(({ ended }) => ended));
        expect(results.map(({ status }) => status).sort()).to.deep.equal([0, 11]);
        expectSameContent(path.join(dir(), 'x'), race, SIZE);
        expect(filesIn(dir())).to.deep.equal(['x']);
      } finally {
        await origin.close();
      }
      rmSync(path.join(dir(), 'x'));
    }
  });
});
