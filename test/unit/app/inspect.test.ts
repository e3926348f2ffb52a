import { expect } from 'chai';
import { defaultOptions } from '../../../src/app/defaults.js';
import { inspectUrl } from '../../../src/app/inspect.js';
import { Origin } from '../../helpers/origin.js';

const MIB = 1024 * 1024;

describe('app/inspect: the plan', () => {
  for (const { size, connections, plan } of [
    { size: 0, connections: 8, plan: { connections: 1, leaseBytes: 0 } },
    { size: MIB, connections: 8, plan: { connections: 1, leaseBytes: MIB } },
    { size: 6 * MIB, connections: 8, plan: { connections: 8, leaseBytes: 6 * MIB } },
    { size: 640 * MIB, connections: 1, plan: { connections: 1, leaseBytes: 640 * MIB } },
    { size: 640 * MIB, connections: 8, plan: { connections: 8, leaseBytes: 48 * MIB } },
    { size: 640 * MIB, connections: 'auto', plan: { connections: 1, leaseBytes: 640 * MIB } },
  ] as const) {
    it(`is what get begins with: ${size} bytes, ${connections} connections`, async () => {
      const origin = await Origin.start({ size });
      try {
        const report = await inspectUrl({ ...defaultOptions(origin.url), connections });
        expect(report.plan).to.deep.equal(plan);
      } finally {
        await origin.close();
      }
    });
  }
});
