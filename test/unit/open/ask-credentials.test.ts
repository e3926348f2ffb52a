import { expect } from 'chai';
import { defaultOptions } from '../../../src/app/defaults.js';
import { silentLog } from '../../../src/log.js';
import { Asker } from '../../../src/open/ask.js';
import { Connections } from '../../../src/lease/slots.js';
import { certificates } from '../../helpers/certificates.js';
import { FaultServer } from '../../helpers/fault-server.js';

describe('transfer/ask: credentials and redirects', () => {
  let other: FaultServer;
  let origin: FaultServer;

  before(async () => {
    const { server } = await certificates();
    const tls = { ...server, requestCert: true, rejectUnauthorized: false };
    other = await FaultServer.start({
      tls,
      handler: (_request, reply) => void reply.head(200, { 'Content-Length': 0 }),
    });
    origin = await FaultServer.start({
      tls,
      handler: ({ target }, reply) => {
        const location = target === '/away' ? other.url('/file') : '/file';
        if (target === '/file') void reply.head(200, { 'Content-Length': 0 });
        else void reply.head(302, { Location: location, 'Content-Length': 0 });
      },
    });
  });

  after(async () => {
    await origin.close();
    await other.close();
  });

  async function ask(path: string): Promise<URL> {
    const { ca, client } = await certificates();
    const connections = new Connections();
    const options = {
      ...defaultOptions(origin.url(path)),
      bearer: 'CANARY',
      tls: { ca, cert: client.cert, key: client.key, verify: true },
    };
    const { connection, url } = await new Asker(options, connections, silentLog).ask(null);
    connection.destroy();
    connections.close();
    return url;
  }

  it('P11: shows the client certificate and the token to their own origin', async () => {
    expect((await ask('/near')).href).to.equal(origin.url('/file'));
    const last = origin.requests.at(-1);
    expect(last?.target).to.equal('/file');
    expect(last?.tls?.clientCertificate).to.equal(true);
    expect(last?.head).to.contain('CANARY');
  });

  it('P11: shows neither the client certificate nor the token to where a redirect leads', async () => {
    expect((await ask('/away')).href).to.equal(other.url('/file'));
    expect(origin.requests.at(-1)?.tls?.clientCertificate).to.equal(true);
    expect(other.requests).to.have.length(1);
    expect(other.requests[0]?.tls?.clientCertificate).to.equal(false);
    expect(other.requests[0]?.head).to.not.contain('CANARY');
  });
});
