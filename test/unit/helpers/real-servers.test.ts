import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import { expect } from 'chai';
import { contentAt } from '../../helpers/content.js';
import {
  digestOfFile,
  expectSameContent,
  makeSparseFile,
  readRange,
  tempDirPerTest,
  writeContentFile,
} from '../../helpers/files.js';
import { Nginx, requireServer } from '../../helpers/nginx.js';

function get(url: string, options: https.RequestOptions): Promise<[number, Buffer]> {
  return new Promise((resolve, reject) => {
    const client = url.startsWith('https') ? https : http;
    client
      .get(url, { agent: false, ...options }, (answer) => {
        const pieces: Buffer[] = [];
        answer.on('data', (piece: Buffer) => pieces.push(piece));
        answer.on('end', () => resolve([answer.statusCode ?? 0, Buffer.concat(pieces)]));
      })
      .on('error', reject);
  });
}

describe('helpers/nginx', () => {
  let nginx: Nginx;
  before(async function () {
    requireServer('nginx', this);
    nginx = await Nginx.start();
    nginx.addContent('file.bin', 5, 100_000);
  });
  after(() => nginx?.close());

  for (const scheme of ['http', 'https'] as const) {
    it(`serves ranges over ${scheme}`, async () => {
      const options = { ca: nginx.ca, headers: { range: 'bytes=70000-70009' } };
      const [status, body] = await get(nginx.url('/file.bin', scheme), options);
      expect(status).to.equal(206);
      expect(body.equals(contentAt(5, 70_000, 10))).to.equal(true);
    });
  }

  it('has the locations that its table promises', async () => {
    const range = { headers: { range: 'bytes=0-9' } };
    const [plain] = await get(nginx.url('/noranges/file.bin'), range);
    const [refused] = await get(nginx.url('/auth/file.bin'), {});
    const [allowed] = await get(nginx.url('/auth/file.bin'), { auth: 'user:password' });
    const [redirect] = await get(nginx.url('/redirect/file.bin'), {});
    const [limited, body] = await get(nginx.url('/limited/file.bin'), range);
    expect([plain, refused, allowed, redirect, limited]).to.deep.equal([200, 401, 200, 302, 206]);
    expect(body.length).to.equal(10);
  });
});

describe('helpers/files', () => {
  const directory = tempDirPerTest();

  it('notices one wrong byte, a missing one and one too many', () => {
    const file = path.join(directory(), 'a');
    writeContentFile(file, 1, 300_000);
    expectSameContent(file, 1, 300_000);
    expect(digestOfFile(file)).to.equal(
      createHash('sha256')
        .update(contentAt(1, 0, 300_000))
        .digest('hex'),
    );
    expect(() => expectSameContent(file, 2, 300_000)).to.throw('at byte 0');
    expect(() => expectSameContent(file, 1, 299_999)).to.throw('300000 bytes, not 299999');
    const spoiled = contentAt(1, 0, 300_000);
    spoiled[270_000]! ^= 1;
    writeFileSync(file, spoiled);
    expect(() => expectSameContent(file, 1, 300_000)).to.throw('at byte 270000');
  });

  it('makes sparse files beyond 4 GiB', () => {
    const file = path.join(directory(), 'sparse');
    const size = 5 * 2 ** 30;
    makeSparseFile(file, size, [{ at: 2 ** 32 - 2, bytes: Buffer.from('abcd') }]);
    expect(readRange(file, 2 ** 32 - 3, 2 ** 32 + 3).toString('latin1')).to.equal('\0abcd\0');
    expect(readRange(file, size - 1, size + 5)).to.have.length(1);
  });
});
