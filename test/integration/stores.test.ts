/** gs:// and az:// with a real nginx in the place of the stores, which wants the token or the signature for every request. */
import { expect } from 'chai';
import path from 'node:path';
import { download } from '../../src/index.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { Nginx, requireServer } from '../helpers/nginx.js';

const SIZE = 8 * 1024 * 1024;

describe('stores in the place of which nginx stands', () => {
  const dir = tempDirPerTest();
  const given = { ...process.env };
  let nginx: Nginx;

  before(async function () {
    requireServer('nginx', this);
    nginx = await Nginx.start({
      extra: (root) => `
        location /bucket/ { if ($http_authorization != "Bearer ya29") { return 403; } alias "${root}/"; }
        location /box/ { if ($arg_sig != "s") { return 403; } alias "${root}/"; }`,
    });
    nginx.addContent('a b.bin', 5, SIZE);
  });
  after(() => nginx?.close());
  afterEach(() => {
    for (const name of Object.keys(process.env)) if (!(name in given)) delete process.env[name];
    Object.assign(process.env, given);
  });

  const fetches = async (url: string): Promise<void> => {
    const output = path.join(dir(), 'got');
    await download(url, { output, connections: 4, threads: 1 }).result;
    expectSameContent(output, 5, SIZE);
  };
  const fails = async (url: string): Promise<void> => {
    const output = path.join(dir(), 'none');
    const error: unknown = await download(url, { output }).result.catch(
      (thrown: unknown) => thrown,
    );
    expect(error).include({ code: 'HTTP_REFUSED', exitStatus: 6 });
  };

  it('gs://: the token goes with every request', async () => {
    process.env['STORAGE_EMULATOR_HOST'] = nginx.url('').replace(/\/$/, '');
    process.env['CLOUDSDK_AUTH_ACCESS_TOKEN'] = 'ya29';
    await fetches('gs://bucket/a b.bin');
    process.env['CLOUDSDK_AUTH_ACCESS_TOKEN'] = 'stale';
    await fails('gs://bucket/a b.bin');
  });

  it('az://: the shared access signature goes with every request', async () => {
    process.env['AZURE_STORAGE_SERVICE_ENDPOINT'] = nginx.url('').replace(/\/$/, '');
    await fetches('az://account/box/a b.bin?sv=1&sig=s');
    await fails('az://account/box/a b.bin');
  });
});
