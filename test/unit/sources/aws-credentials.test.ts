import { expect } from 'chai';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { currentKey } from '../../../src/sources/aws-credentials.js';
import type { Surroundings } from '../../../src/sources/source.js';
import { tempDirPerTest } from '../../helpers/files.js';

describe('sources/aws-credentials', () => {
  const dir = tempDirPerTest();
  const before = { ...process.env };
  let server: Server;
  let given = 0;
  let lastsMs = 60_000;

  /** Gives a key at a time, each with a number. */
  beforeEach(async () => {
    given = 0;
    server = createServer((_, response) => {
      const AccessKeyId = `KEY${++given}`;
      const Expiration = new Date(Date.now() + lastsMs).toISOString();
      response.end(JSON.stringify({ AccessKeyId, SecretAccessKey: 's', Token: 't', Expiration }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    for (const name of Object.keys(process.env))
      if (name.startsWith('AWS_')) delete process.env[name];
    process.env['HOME'] = dir();
    process.env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] = `http://127.0.0.1:${port}/`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
  });

  const around = (): Surroundings => ({ env: process.env }) as Surroundings;

  it('gives the key of the container; one that ends soon is renewed meanwhile', async () => {
    lastsMs = 60_000;
    const key = await currentKey(around());
    expect(key?.()).deep.equal({ accessKeyId: 'KEY1', secretAccessKey: 's', sessionToken: 't' });
    while (key?.().accessKeyId === 'KEY1') await setImmediate();
    expect(key?.().accessKeyId).equal('KEY2');
    expect(given).equal(2);
  });

  it('one that lasts is kept', async () => {
    lastsMs = 3_600_000;
    const key = await currentKey(around());
    key?.();
    for (let turn = 0; turn < 20; turn++) await setImmediate();
    expect(key?.().accessKeyId).equal('KEY1');
    expect(given).equal(1);
  });

  it('the environment beats all else, and nothing anywhere is no key', async () => {
    process.env['AWS_ACCESS_KEY_ID'] = 'OWN';
    process.env['AWS_SECRET_ACCESS_KEY'] = 'x';
    expect((await currentKey(around()))?.().accessKeyId).equal('OWN');
    expect(given).equal(0);
    for (const name of Object.keys(process.env))
      if (name.startsWith('AWS_')) delete process.env[name];
    process.env['AWS_EC2_METADATA_DISABLED'] = 'true';
    expect(await currentKey(around())).equal(null);
  });
});
