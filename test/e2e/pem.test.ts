/** The files of the TLS flags: what is wrong with them is told before a server is asked. */
import { expect } from 'chai';
import { createPrivateKey } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { download, SluiceError } from '../../src/index.js';
import { certificates } from '../helpers/certificates.js';
import { expectStatus, runIn } from '../helpers/command.js';
import { tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';

describe('e2e/pem', () => {
  const dir = tempDirPerTest();

  it('wrong, empty, locked and single files are exit status 5 or 2, never a defect', async () => {
    const { ca, server, client } = await certificates();
    const cipher = { cipher: 'aes-256-cbc', passphrase: 'x' };
    const locked = createPrivateKey(client.key).export({ type: 'pkcs8', format: 'pem', ...cipher });
    const files = {
      ...{ ca, cert: client.cert, key: client.key, other: server.key, locked, empty: '' },
      ...{ text: 'not PEM', both: client.key + client.cert },
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(dir(), name), text);
    const most = 4 * 1024 * 1024;
    writeFileSync(path.join(dir(), 'most'), ca.padEnd(most, '\n'));
    writeFileSync(path.join(dir(), 'more'), ca.padEnd(most + 1, '\n'));
    const origin = await Origin.start({ size: 1000, tls: server });
    const cases: Array<[status: number, says: RegExp, args: string[]]> = [
      [5, /there is no certificate in the PEM file\n {2}file: text/, ['--cacert', 'text']],
      [5, /there is no certificate in the PEM file\n {2}file: empty/, ['--cacert', 'empty']],
      [5, /cannot be read: .*\n {2}file: none/, ['--cacert', 'none']],
      [5, /cannot be read: .*\n {2}file: more/, ['--cacert', 'more']],
      [5, /no certificate .*\n {2}file: text/, ['--cert', 'text', '--key', 'key']],
      [5, /no private key .*\n {2}file: text/, ['--cert', 'cert', '--key', 'text']],
      [5, /is not that of the certificate\n {2}file: other/, ['--cert', 'cert', '--key', 'other']],
      [5, /is encrypted\n(?:.*\n)*.*openssl/, ['--cert', 'cert', '--key', 'locked']],
      [2, /a client certificate, but no key/, ['--cert', 'cert']],
      [2, /a client key, but no certificate/, ['--key', 'key']],
    ];
    try {
      for (const [status, says, args] of cases) {
        const run = await runIn(dir(), ['get', origin.url, ...args]);
        expectStatus(run, status);
        expect(run.stderr).to.match(says);
      }
      expect(origin.server.connections.total).to.equal(0);
      for (const ca of ['ca', 'most']) {
        const good = ['--cacert', ca, '--cert', 'both', '--on-exists', 'overwrite'];
        expectStatus(await runIn(dir(), ['get', origin.url, ...good]), 0);
      }
      const tls = { cert: client.cert, key: 'not PEM' };
      expect(() => download(origin.url, { tls }))
        .to.throw(SluiceError)
        .with.property('code', 'TLS_FILES');
    } finally {
      await origin.close();
    }
  });
});
