/** s3:// against a store that checks the signature of every request. */
import { expect } from 'chai';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { signedFields } from '../../src/sources/sigv4.js';
import { startHash } from '../../src/verify/checksum.js';
import { contentAt } from '../helpers/content.js';
import { tempDirPerTest } from '../helpers/files.js';
import { runSluice } from '../helpers/run-sluice.js';

const SIZE = 6 * 1024 * 1024;
const BYTES = contentAt(1, 0, SIZE);
const KEY = { accessKeyId: 'AKIATEST', secretAccessKey: 'secret/of+test', sessionToken: null };
const ENV = { AWS_ACCESS_KEY_ID: KEY.accessKeyId, AWS_SECRET_ACCESS_KEY: KEY.secretAccessKey };

describe('s3://', () => {
  const dir = tempDirPerTest();
  let server: Server;
  let endpoint = '';
  let sum = '';
  let asked: Array<{
    url: string;
    signature: string | undefined;
    fields: IncomingMessage['headers'];
  }> = [];
  let clockMs = 0;
  let holds = false;
  let goOn: (() => void) | null = null;

  /** Whether the request has the signature that its time and fields want. */
  function isSigned({ url = '', headers }: IncomingMessage): boolean {
    const time = String(headers['x-amz-date']).replace(
      /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/,
      '$1-$2-$3T$4:$5:$6Z',
    );
    const names = /SignedHeaders=([^,]*)/.exec(headers.authorization ?? '')?.[1]?.split(';') ?? [];
    const own = ['host', 'x-amz-content-sha256', 'x-amz-date'];
    const more = names
      .filter((name) => !own.includes(name))
      .map((name): [string, string] => [name, String(headers[name])]);
    if (Number.isNaN(Date.parse(time))) return false;
    const scope = { region: 'eu-test-1', service: 's3' };
    const [[, value] = []] = signedFields(new URL(url, endpoint), more, KEY, scope, new Date(time));
    return value === headers.authorization;
  }

  before(async () => {
    const hash = await startHash('crc64nvme');
    hash.update(BYTES);
    sum = Buffer.from(hash.digest(), 'hex').toString('base64');
    server = createServer((request, response) => {
      const { url = '', headers } = request;
      asked.push({ url, signature: headers.authorization, fields: headers });
      response.setHeader('x-amz-request-id', 'T1');
      response.setHeader('Date', new Date(Date.now() + clockMs).toUTCString());
      if ((!url.startsWith('/public/') && !isSigned(request)) || clockMs !== 0) {
        response.writeHead(403, { 'Content-Length': 0 }).end();
        return;
      }
      const [, from = '0', to = ''] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '') ?? [];
      const [start, end] = [Number(from), to === '' ? SIZE : Math.min(SIZE, Number(to) + 1)];
      response.writeHead(206, {
        ETag: '"e1"',
        'Content-Range': `bytes ${start}-${end - 1}/${SIZE}`,
        'Content-Length': end - start,
        ...(headers['x-amz-checksum-mode'] === 'ENABLED' && { 'x-amz-checksum-crc64nvme': sum }),
      });
      goOn?.();
      goOn = null;
      if (!holds) return void response.end(BYTES.subarray(start, end));
      // The others get their turn: this one waits for the next request.
      holds = false;
      const middle = start + 1024 * 1024;
      response.write(BYTES.subarray(start, middle));
      goOn = () => response.end(BYTES.subarray(middle, end));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());
  beforeEach(() => {
    asked = [];
    clockMs = 0;
  });

  const run = (args: string[], env: Record<string, string> = {}) =>
    runSluice([...args, '--json'], {
      cwd: dir(),
      env: { HOME: dir(), AWS_REGION: 'eu-test-1', AWS_ENDPOINT_URL_S3: endpoint, ...env },
    });
  const expectFile = (name: string) =>
    expect(readFileSync(path.join(dir(), name)).equals(BYTES)).equal(true);

  it('signs every request, those of leases in threads too, and verifies what S3 tells', async () => {
    holds = true;
    const args = ["s3://bucket/a dir/it's(1).bin", '-o', 'file', '-n', '4', '--threads', '2'];
    const done = await run(['get', ...args], ENV);
    expect(done.status, done.stdout).equal(0);
    expectFile('file');
    expect(asked.length).greaterThan(1);
    expect(asked[0]?.url).equal('/bucket/a%20dir/it%27s%281%29.bin');
    expect(done.stdout).include('"digestFields":{"crc64nvme":"x-amz-checksum-crc64nvme"}');
    expect(done.stdout + done.stderr).not.include(KEY.secretAccessKey);
  });

  it('takes the key of a profile; requester pays is signed', async () => {
    mkdirSync(path.join(dir(), '.aws'));
    const file = `[default]\naws_access_key_id = other\n[work]\naws_access_key_id = ${KEY.accessKeyId}\naws_secret_access_key = ${KEY.secretAccessKey}\n`;
    writeFileSync(path.join(dir(), '.aws/credentials'), file);
    const done = await run(['get', 's3://bucket/key', '--s3-requester-pays'], {
      AWS_PROFILE: 'work',
    });
    expect(done.status, done.stdout).equal(0);
    expectFile('key');
    expect(asked[0]?.fields['x-amz-request-payer']).equal('requester');
  });

  it('asks without a signature with --s3-anonymous, and where there is no key', async () => {
    for (const [args, env] of [
      [['--s3-anonymous', '-o', 'a'], ENV],
      [['-o', 'b'], {}],
    ] as const) {
      const done = await run(['get', 's3://public/key', ...args], env);
      expect(done.status, done.stdout).equal(0);
    }
    for (const { signature } of asked) expect(signature).equal(undefined);
  });

  it('a wrong key: exit 6; a clock that is off is told', async () => {
    const wrong = await run(['get', 's3://bucket/key'], { ...ENV, AWS_SECRET_ACCESS_KEY: 'no' });
    expect(wrong.status).equal(6);
    clockMs = -3_600_000;
    const late = await run(['get', 's3://bucket/key'], ENV);
    expect(late.status).equal(6);
    expect(late.stdout).include('The clocks differ by 60 minutes');
  });
});
