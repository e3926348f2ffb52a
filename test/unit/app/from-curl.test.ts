import { expect } from 'chai';
import { Readable } from 'node:stream';
import { defaultOptions } from '../../../src/app/defaults.js';
import { curlDownload } from '../../../src/app/from-curl.js';
import { silentLog } from '../../../src/log.js';
import type { DownloadOptions } from '../../../src/transfer/options.js';

const COMMAND = `curl 'https://h.test/f' -H 'X-A: 1' -H 'X-B: 2' -A agent -u a:b -x http://p.test:1 -k`;

describe('app/from-curl', () => {
  const ask = (text: string, more: Partial<DownloadOptions> = {}, input: string[] = []) =>
    curlDownload(
      text,
      { ...defaultOptions(''), ...more },
      Readable.from(input.map((each) => Buffer.from(each))),
      { signal: new AbortController().signal, log: silentLog },
    );

  it('makes a download of a command', async () => {
    const made = await ask(COMMAND);
    expect(made.url).equal('https://h.test/f');
    expect(made.headers).deep.equal(['X-A: 1', 'X-B: 2']);
    expect(made.userAgent).equal('agent');
    expect(made.user).deep.equal({ user: 'a', password: 'b' });
    expect(made.proxies.https).deep.equal({
      text: 'http://p.test:1',
      from: '-x of the curl command',
    });
    expect(made.tls.verify).equal(false);
  });

  it('reads it from standard input', async () => {
    expect((await ask('-', {}, ['curl h.te', 'st/f\n'])).url).equal('http://h.test/f');
  });

  it('what is given beats the command', async () => {
    const made = await ask(COMMAND, { headers: ['x-a: 9'], userAgent: 'mine' });
    expect(made.headers).deep.equal(['X-B: 2', 'x-a: 9']);
    expect(made.userAgent).equal('mine');
  });

  it('an empty standard input is a usage error', async () => {
    const error = await ask('-').catch((thrown: unknown) => thrown);
    expect(error).property('code', 'USAGE');
  });
});
