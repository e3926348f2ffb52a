/** What the log has of a run: enough to see what happened, and no secret. */
import { expect } from 'chai';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { VERSION } from '../../src/version.js';
import { certificates } from '../helpers/certificates.js';
import { expectStatus, runIn } from '../helpers/command.js';
import { tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';

describe('e2e: the log', () => {
  const dir = tempDirPerTest();

  it('P12: has each request, head, address, TLS, redirect and the error, and no secret; -q is enough', async () => {
    const { server, ca } = await certificates();
    writeFileSync(path.join(dir(), 'ca'), ca);
    const origin = await Origin.start({ size: 1000, tls: server });
    const first = await Origin.start({ size: 1000, tls: server, path: '/first' });
    try {
      const location = `${origin.url}?sig=SECRET1`;
      first.fault({ times: Infinity, fault: { kind: 'redirect', location } });
      const words = ['get', `${first.url}?key=SECRET2`, '-u', 'me:SECRET3', '-H', 'X-Key: SECRET4'];
      const sum = `sha256:${'0'.repeat(64)}`;
      const more = ['--cacert', 'ca', '--checksum', sum, '-q', '--log-file', 'log', '-o', 'f'];
      const run = await runIn(dir(), [...words, ...more]);
      expectStatus(run, 9);
      const text = readFileSync(path.join(dir(), 'log'), 'utf8');
      expect(text).not.match(/SECRET|me:|bWU6/);
      const lines = text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(lines[0]).include({ msg: 'sluice', version: VERSION });
      const asked = lines.filter(({ msg }) => msg === 'asked');
      expect(asked.map(({ status, address }) => [status, address]).slice(0, 2)).deep.equal([
        [302, '127.0.0.1'],
        [206, '127.0.0.1'],
      ]);
      const [before, after] = asked as Array<{ request: string[]; answer: string[]; tls: string }>;
      expect(before?.request).include.members([
        'Range: bytes=0-',
        'Authorization: [redacted]',
        'X-Key: [redacted]',
      ]);
      expect(before?.answer).include(`location: ${origin.url}?<redacted>`);
      expect(after?.request.join()).not.contain('X-Key');
      expect(after?.answer).include('content-range: bytes 0-999/1000');
      expect(after?.tls).match(/^TLSv1\.\d, /);
      const messages = lines.map(({ msg }) => msg);
      expect(messages).include.members(['resolved', 'redirected', 'started']);
      expect(lines.find(({ level }) => level === 'error')).include({
        code: 'CHECKSUM_MISMATCH',
        exitStatus: 9,
      });
    } finally {
      await Promise.all([origin.close(), first.close()]);
    }
  });
});
