/** `--resolve`, `-4` and `-6` through the command. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { leaveWith } from '../helpers/leave.js';
import { Nodes } from '../helpers/nodes.js';
import { runSluice } from '../helpers/run-sluice.js';

describe('sluice --resolve', () => {
  const dir = tempDirPerTest();
  let nodes: Nodes;

  beforeEach(async () => {
    const file = { size: 9_000_000, seed: 3, rate: 1_500_000 };
    nodes = await Nodes.start({ '127.0.0.1': 'refuses', '127.0.0.2': file, '127.0.0.3': file });
  });
  afterEach(() => nodes.close());

  it('get uses all of the addresses, and the log says which', async () => {
    const args = ['get', nodes.url, '-n4', '-o', 'f', '--resolve', nodes.rule, '--log-file', 'log'];
    const { status, stderr } = await runSluice(args, { cwd: dir() });
    expect(stderr).include('done');
    expect(status).equal(0);
    expectSameContent(path.join(dir(), 'f'), 3, 9_000_000);
    for (const host of ['127.0.0.2', '127.0.0.3'])
      expect(nodes.origin(host).requests.length, host).greaterThan(0);
    const log = readFileSync(path.join(dir(), 'log'), 'utf8');
    expect(log).include('"address":"127.0.0.3"');
  });

  it('info shows them, the one that answered first', async () => {
    const args = ['info', nodes.url, '--resolve', nodes.rule, '-4'];
    const { stdout, status } = await runSluice(args);
    expect(status).equal(0);
    expect(stdout).match(/^addresses +127\.0\.0\.2, 127\.0\.0\.1, 127\.0\.0\.3$/m);
  });

  it('resume takes it too', async () => {
    const run = (args: string[]) => runSluice(args, { cwd: dir() });
    nodes.origin('127.0.0.2').set({ rate: 100_000 });
    nodes.origin('127.0.0.3').set({ rate: 100_000 });
    const get = ['get', nodes.url, '-n2', '-o', 'f', '--resolve', nodes.rule];
    const left = await leaveWith(get, path.join(dir(), 'f'), { cwd: dir() });
    expect(left.status).equal(130);
    nodes.origin('127.0.0.2').set({ rate: Infinity });
    nodes.origin('127.0.0.3').set({ rate: Infinity });
    expect((await run(['resume', 'f', '--resolve', nodes.rule])).status).equal(0);
    expectSameContent(path.join(dir(), 'f'), 3, 9_000_000);
  });

  it('a mistake is told, and so is a family that the host does not have', async () => {
    const resolve = (text: string, ...more: string[]) =>
      runSluice(['get', nodes.url, '-o', 'f', '--resolve', text, ...more], { cwd: dir() });
    const wrong = await resolve('nodes.test:80');
    expect(wrong.stderr).include('--resolve takes HOST:PORT:ADDRESS, not nodes.test:80');
    expect(wrong.status).equal(2);
    const none = await resolve(nodes.rule, '-6');
    expect(none.stderr).include('has no IPv6 address');
    expect(none.status).equal(3);
    expect((await resolve(nodes.rule, '-4', '-6')).status).equal(2);
  });
});
