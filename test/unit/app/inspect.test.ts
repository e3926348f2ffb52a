import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { TUNING } from '../../../src/schedule/tuning.js';
import { defaultOptions } from '../../../src/app/defaults.js';
import { inspectUrl } from '../../../src/app/inspect.js';
import { Origin } from '../../helpers/origin.js';
import { violations } from '../cli/schema.js';

const schema = JSON.parse(readFileSync('docs/info.schema.json', 'utf8')) as Record<string, unknown>;

/** What of a report `docs/info.schema.json` does not say. */
const brokenBy = (report: object): string[] =>
  violations(schema, schema, JSON.parse(JSON.stringify(report)) as unknown);

const MIB = 1024 * 1024;

describe('app/inspect: the plan', () => {
  for (const { size, connections, plan } of [
    { size: 0, connections: 8, plan: { connections: 1, leaseBytes: 0 } },
    { size: MIB, connections: 8, plan: { connections: 1, leaseBytes: MIB } },
    { size: 6 * MIB, connections: 8, plan: { connections: 8, leaseBytes: null } },
    { size: 640 * MIB, connections: 1, plan: { connections: 1, leaseBytes: 640 * MIB } },
    { size: 640 * MIB, connections: 8, plan: { connections: 8, leaseBytes: null } },
    { size: 640 * MIB, connections: 'auto', plan: { connections: null, leaseBytes: null } },
  ] as const) {
    it(`is what get begins with: ${size} bytes, ${connections} connections`, async () => {
      const origin = await Origin.start({ size });
      try {
        const report = await inspectUrl({ ...defaultOptions(origin.url), connections });
        expect(brokenBy(report)).to.deep.equal([]);
        // By the round trip that was measured, which may be long on a busy machine.
        const { startNear, startFar } = TUNING;
        if (plan.connections === null)
          expect(report.plan.connections).to.be.oneOf([startNear, startFar]);
        else expect(report.plan.connections).to.equal(plan.connections);
        // How much a further connection is given depends on what the first one measured.
        if (plan.leaseBytes === null) expect(report.plan.leaseBytes).to.be.within(1, size / 2);
        else expect(report.plan.leaseBytes).to.equal(plan.leaseBytes);
      } finally {
        await origin.close();
      }
    });
  }
});

describe('app/inspect: the schema', () => {
  it('refuses what is none of its forms', () => {
    const path = { kind: 'path', target: 'x' };
    for (const wrong of [{}, { kind: 'url' }, path, { kind: 'error', code: 'USAGE' }])
      expect(brokenBy(wrong)).not.to.deep.equal([]);
  });
});
