/** s3:// against a store that checks the signature of every request. */
import { expect } from 'chai';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { download, inspect } from '../../src/index.js';
import { startHash } from '../../src/verify/checksum.js';
import { contentAt } from '../helpers/content.js';
import { tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';
import { runSluice } from '../helpers/run-sluice.js';
import { PUBLIC_BUCKET, S3Store, STORE_KEY, STORE_REGION } from '../helpers/s3-store.js';

const SIZE = 4 * 1024 * 1024;
const BYTES = contentAt(1, 0, SIZE);
const ENV = {
  AWS_ACCESS_KEY_ID: STORE_KEY.accessKeyId,
  AWS_SECRET_ACCESS_KEY: STORE_KEY.secretAccessKey,
};

describe('s3://', () => {
  const dir = tempDirPerTest();
  let store: S3Store;
  let sum = '';
  before(async () => {
    const hash = await startHash('crc64nvme');
    hash.update(BYTES);
    sum = Buffer.from(hash.digest(), 'hex').toString('base64');
    store = await S3Store.start();
    for (const key of ["bucket/a dir/it's(1).bin", 'bucket/key', `${PUBLIC_BUCKET}/key`])
      store.objects.set(key, BYTES);
  });
  after(() => store.close());
  beforeEach(() => {
    store.reset();
    store.moreFields = (asked): Record<string, string> =>
      asked['x-amz-checksum-mode'] === 'ENABLED' ? { 'x-amz-checksum-crc64nvme': sum } : {};
  });
  const run = (args: string[], env: Record<string, string> = {}) =>
    runSluice([...args, '--json'], {
      cwd: dir(),
      env: {
        HOME: dir(),
        AWS_REGION: STORE_REGION,
        AWS_ENDPOINT_URL_S3: store.endpoint,
        AWS_EC2_METADATA_DISABLED: 'true',
        ...env,
      },
    });
  const expectFile = (name: string) =>
    expect(readFileSync(path.join(dir(), name)).equals(BYTES)).equal(true);

  it('signs every request, those of leases in threads too, and verifies what S3 tells', async () => {
    store.holds = true;
    const args = ["s3://bucket/a dir/it's(1).bin", '-o', 'file', '-n', '4', '--threads', '2'];
    const done = await run(['get', ...args], ENV);
    expect(done.status, done.stdout).equal(0);
    expectFile('file');
    expect(store.asked.length).greaterThan(1);
    expect(store.asked[0]?.url).equal('/bucket/a%20dir/it%27s%281%29.bin');
    expect(done.stdout).include('"digestFields":{"crc64nvme":"x-amz-checksum-crc64nvme"}');
    expect(done.stdout + done.stderr).not.include(STORE_KEY.secretAccessKey);
  });

  it('takes the key of a profile; requester pays is signed', async () => {
    mkdirSync(path.join(dir(), '.aws'));
    const file = `[default]\naws_access_key_id = other\n[work]\naws_access_key_id = ${STORE_KEY.accessKeyId}\naws_secret_access_key = ${STORE_KEY.secretAccessKey}\n`;
    writeFileSync(path.join(dir(), '.aws/credentials'), file);
    const done = await run(['get', 's3://bucket/key', '--s3-requester-pays'], {
      AWS_PROFILE: 'work',
    });
    expect(done.status, done.stdout).equal(0);
    expectFile('key');
    expect(store.asked[0]?.fields['x-amz-request-payer']).equal('requester');
  });

  it('asks without a signature with --s3-anonymous, and where there is no key', async () => {
    for (const [args, env] of [
      [['--s3-anonymous', '-o', 'a'], ENV],
      [['-o', 'b'], {}],
    ] as const) {
      const done = await run(['get', 's3://public/key', ...args], env);
      expect(done.status, done.stdout).equal(0);
    }
    for (const { fields } of store.asked) expect(fields.authorization).equal(undefined);
  });

  it('a wrong key: exit 6; a clock that is off is told', async () => {
    const wrong = await run(['get', 's3://bucket/key'], { ...ENV, AWS_SECRET_ACCESS_KEY: 'no' });
    expect(wrong.status).equal(6);
    store.clockMs = -3_600_000;
    const late = await run(['get', 's3://bucket/key'], ENV);
    expect(late.status).equal(6);
    expect(late.stdout).include('The clocks differ by 60 minutes');
  });

  /** Leaves an unfinished download behind. */
  const leave = async (args: string[], env: Record<string, string> = {}) => {
    store.cuts = [1024 * 1024];
    store.intercept = (_, response) => {
      if (store.asked.length > 1) response.destroy();
      return store.asked.length > 1;
    };
    const left = await run(['get', ...args, '-o', 'file', '-n', '1', '--retries', '0'], env);
    expect(left.status, left.stdout).equal(4);
    store.asked = [];
    store.intercept = () => false;
  };

  it('resume asks the same service, signed anew, as the flags of get said', async () => {
    const flags = ['--s3-endpoint', store.endpoint, '--s3-requester-pays'];
    await leave(['s3://bucket/key', ...flags], { ...ENV, AWS_ENDPOINT_URL_S3: '' });
    const env = { ...ENV, AWS_ENDPOINT_URL_S3: '', AWS_REGION: 'us-other-1' };
    const done = await run(['resume', 'file'], env);
    expect(done.status, done.stdout).equal(0);
    expectFile('file');
    expect(store.asked[0]?.fields['x-amz-request-payer']).equal('requester');
    expect(store.asked[0]?.fields.authorization).include(`/${STORE_REGION}/s3/`);
  });

  it('resume takes the flags too, and --url a reference', async () => {
    await leave(['s3://public/key', '--s3-anonymous']);
    const flags = ['--url', 's3://bucket/key', '--s3-requester-pays'];
    const done = await run(['resume', 'file', ...flags], ENV);
    expect(done.status, done.stdout).equal(0);
    expectFile('file');
    expect(store.asked[0]?.fields['x-amz-request-payer']).equal('requester');
  });

  it('P11: a mirror at S3 has credentials of its own, after resume too, and gets none of the first URL', async () => {
    const origin = await Origin.start({
      bytes: BYTES,
      faults: [{ times: Infinity, fault: { kind: 'reset', at: 1024 * 1024 } }],
    });
    try {
      store.intercept = (_, response) => {
        response.destroy();
        return true;
      };
      const sha256 = createHash('sha256').update(BYTES).digest('hex');
      const more = ['--checksum', `sha256:${sha256}`, '--retries', '0', '-n', '1', '-o', 'file'];
      const given = ['--mirror', 's3://bucket/key', '-H', 'Authorization: mine', '-H', 'X-Mine: 1'];
      const left = await run(['get', origin.url, ...given, ...more], ENV);
      expect(left.status, left.stdout).equal(4);
      expect(origin.requests.every(({ fields }) => fields['authorization'] === 'mine')).equal(true);
      expect(origin.requests.some(({ fields }) => 'x-amz-date' in fields)).equal(false);
      const before = store.asked.length;
      store.intercept = () => false;
      const done = await run(['resume', 'file'], ENV);
      expect(done.status, done.stdout).equal(0);
      expectFile('file');
      expect(store.asked.length).greaterThan(before);
      for (const { fields } of store.asked) {
        expect(fields.authorization).match(/^AWS4-HMAC-SHA256 /);
        expect(fields).not.property('x-mine');
      }
    } finally {
      await origin.close();
    }
  });

  it('P11: what was begun over http is not signed by resume, whatever key there is', async () => {
    await leave([`${store.endpoint}/public/key`]);
    const done = await run(['resume', 'file'], ENV);
    expect(done.status, done.stdout).equal(0);
    for (const { fields } of store.asked) expect(fields.authorization).equal(undefined);
  });

  it('info takes a reference and the flags', async () => {
    const flags = ['--s3-endpoint', store.endpoint, '--s3-requester-pays'];
    const told = await run(['info', 's3://bucket/key', ...flags], ENV);
    expect(told.status, told.stdout).equal(0);
    expect(JSON.parse(told.stdout)).include({ size: SIZE, name: 'key' });
    expect(store.asked[0]?.fields['x-amz-request-payer']).equal('requester');
  });

  it('the library takes references, and says how the store is asked', async () => {
    const s3 = { endpoint: store.endpoint, region: STORE_REGION, anonymous: true };
    const { size } = await inspect('s3://public/key', { s3 });
    expect(size).equal(SIZE);
    const { bytes } = await download('s3://public/key', { s3, dir: dir() }).result;
    expect(bytes).equal(SIZE);
    expectFile('key');
    for (const { fields } of store.asked) expect(fields.authorization).equal(undefined);
    expect(() => download('s3://public/key', { s3: { anonymus: true } as object })).throw(
      'no option s3.anonymus',
    );
  });

  const writeConfig = (text: string) => {
    mkdirSync(path.join(dir(), '.aws'), { recursive: true });
    writeFileSync(path.join(dir(), '.aws/config'), text);
  };
  const asJson = (more: object) =>
    JSON.stringify({
      Version: 1,
      AccessKeyId: STORE_KEY.accessKeyId,
      SecretAccessKey: STORE_KEY.secretAccessKey,
      ...more,
    });

  it('takes the key that a process of a profile gives, with its session token', async () => {
    store.key = { ...STORE_KEY, sessionToken: 'session' };
    writeFileSync(path.join(dir(), 'key.json'), asJson({ SessionToken: 'session' }));
    writeConfig(`[profile p]\ncredential_process = cat ${path.join(dir(), 'key.json')}\n`);
    const done = await run(['get', 's3://bucket/key'], { AWS_PROFILE: 'p' });
    expect(done.status, done.stdout).equal(0);
    expect(store.asked[0]?.fields['x-amz-security-token']).equal('session');
  });

  it('a profile without a key, or with a stale sign-in: exit 2, and what to do', async () => {
    const none = await run(['get', 's3://bucket/key'], { AWS_PROFILE: 'missing' });
    expect(none.status, none.stdout).equal(2);
    expect(none.stdout).match(/CREDENTIALS_FILE.*profile missing.*--s3-anonymous/);
    writeConfig(
      '[profile s]\nsso_start_url = https://s.test\nsso_region = us-east-1\nsso_account_id = 1\nsso_role_name = r\n',
    );
    const stale = await run(['get', 's3://bucket/key'], { AWS_PROFILE: 's' });
    expect(stale.status, stale.stdout).equal(2);
    expect(stale.stdout).include('aws sso login');
    expect(store.asked).deep.equal([]);
  });

  it('--recursive: all below a prefix, in pages, odd names as safe ones; --include and --exclude', async () => {
    const names = {
      'a.bin': 'a.bin',
      'sub/b c+d%.bin': 'sub/b c+d%.bin',
      'sub//é&<.bin': 'sub/é&_.bin',
      '.hidden': '.hidden',
      'sub/-rf': 'sub/rf',
      'left.txt': null,
      'sub/': null,
      'sub/not': null,
    };
    for (const name of Object.keys(names))
      store.objects.set(`bucket/tree/${name}`, Buffer.from(`it is ${name}`));
    store.objects.set('bucket/treehouse', Buffer.from('beside'));
    store.moreFields = () => ({});
    store.pageKeys = 3;
    const wanted = ['--exclude', '*.txt', '--exclude', 'sub/not'];
    const done = await run(['get', 's3://bucket/tree', '--recursive', '-d', 'out', ...wanted], ENV);
    expect(done.status, done.stdout).equal(0);
    const found = readdirSync(path.join(dir(), 'out'), { recursive: true, encoding: 'utf8' });
    const expected = Object.values(names).filter((name) => name !== null);
    expect(found.sort()).deep.equal(['sub', ...expected].sort());
    for (const [name, place] of Object.entries(names))
      if (place !== null)
        expect(readFileSync(path.join(dir(), 'out', place), 'utf8')).equal(`it is ${name}`);
    expect(done.stdout).include('is saved as sub/rf');
    const lists = store.asked.filter(({ url }) => url.includes('list-type=2'));
    expect(lists.length).equal(3);
  });

  it('P13: --recursive leaves nothing outside of the directory', async () => {
    for (const key of ['p/../../evil', 'p/a/./b', 'p/\u200b']) {
      store.objects.set(`bucket/${key}`, Buffer.from('x'));
      const refused = await run(['get', 's3://bucket/p', '--recursive', '-d', 'out'], ENV);
      expect(refused.status, refused.stdout).equal(7);
      expect(refused.stdout).include('--exclude');
      store.objects.delete(`bucket/${key}`);
    }
    expect(existsSync(path.join(dir(), 'out'))).equal(false);
  });

  it("gs://: signed with an HMAC key, of the environment or of gsutil's file", async () => {
    store.objects.set('bucket/g.bin', Buffer.from('of google'));
    store.moreFields = () => ({});
    writeFileSync(
      path.join(dir(), '.boto'),
      `[Credentials]\ngs_access_key_id = ${STORE_KEY.accessKeyId}\ngs_secret_access_key = ${STORE_KEY.secretAccessKey}\n`,
    );
    const own = {
      GS_ACCESS_KEY_ID: STORE_KEY.accessKeyId,
      GS_SECRET_ACCESS_KEY: STORE_KEY.secretAccessKey,
      HOME: '/nonexistent',
    };
    for (const [name, env] of Object.entries({ a: own, b: {} })) {
      const args = ['get', 'gs://bucket/g.bin', '-o', name];
      const done = await run(args, { STORAGE_EMULATOR_HOST: store.endpoint, ...env });
      expect(done.status, done.stdout).equal(0);
    }
    expect(store.asked[0]?.fields.authorization).include('/auto/s3/aws4_request');
  });
});
