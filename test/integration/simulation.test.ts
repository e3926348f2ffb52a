/** The seeded simulation. `SLUICE_SIM_SEEDS` and `SLUICE_SIM_FROM` choose the seeds. */
import { expect } from 'chai';
import { simulateMany } from '../helpers/simulation.js';

const SEEDS = Number(process.env['SLUICE_SIM_SEEDS'] ?? 120);
const FROM = Number(process.env['SLUICE_SIM_FROM'] ?? 0);

describe('simulation', () => {
  it(`P1: ${SEEDS} seeds of mixed faults, stops and resumes keep the oracle`, async function () {
    this.timeout(SEEDS * 3000 + 300_000);
    const { failed, outcomes } = await simulateMany(FROM, SEEDS);
    expect(failed, JSON.stringify(failed, null, 1)).deep.equal([]);
    expect([...outcomes.keys()]).include('done (downloaded)');
  });
});
