/**
 * Our reading of an answer beside that of Node's own parser (llhttp), on mutated answers. Ours may
 * refuse what Node takes; what ours takes Node must take too, and see the same in it.
 *
 * Ours takes what Node refuses in these cases, each because the RFC tells a client to. Node gets
 * them in the form that they stand for:
 * - an obs-fold, which becomes one space (RFC 9112 §5.2);
 * - Connection, Content-Length or Transfer-Encoding in an interim answer: it has no body and is
 *   never the last (RFC 9110 §15.2, RFC 9112 §6.3 rule 1), so they say nothing there;
 * - Content-Length as a list of equal numbers, or twice with one (RFC 9112 §6.3, rule 5).
 */
import { request } from 'node:http';
import { Duplex } from 'node:stream';
import { expect } from 'chai';
import fc from 'fast-check';
import { SluiceError } from '../../src/errors.js';
import { ChunkedDecoder } from '../../src/http/chunked.js';
import { bodyFraming } from '../../src/http/framing.js';
import { isInterim, parseResponseHead } from '../../src/http/head.js';
import { ANSWERS, mutated, runs } from './http-support.js';

interface Reading {
  status: number;
  minorVersion: number;
  reason: string;
  fields: Array<[string, string]>;
  body: string;
}

/** Our reading and the bytes that it took; null when it is refused or not complete. */
function ours(text: string): { reading: Reading; consumed: number; headEnd: number } | null {
  const buffer = Buffer.from(text, 'latin1');
  try {
    let parsed = parseResponseHead(buffer, 0, buffer.length);
    while (parsed !== null && isInterim(parsed.head)) {
      parsed = parseResponseHead(buffer, parsed.end, buffer.length);
    }
    if (parsed === null) return null;
    const { head, end } = parsed;
    const body = readBody(buffer, end, bodyFraming('GET', head));
    if (body === null) return null;
    const { status, minorVersion, reason } = head;
    const fields = head.fields.entries.map(([name, value]): [string, string] => [name, value]);
    return {
      reading: { status, minorVersion, reason, fields, body: body.data },
      consumed: body.end,
      headEnd: end,
    };
  } catch (thrown) {
    if (thrown instanceof SluiceError) return null;
    throw thrown;
  }
}

function readBody(
  buffer: Buffer,
  from: number,
  framing: ReturnType<typeof bodyFraming>,
): { data: string; end: number } | null {
  const upTo = (end: number) => ({ data: buffer.toString('latin1', from, end), end });
  switch (framing.kind) {
    case 'none':
      return upTo(from);
    case 'close':
      return upTo(buffer.length);
    case 'length':
      return from + framing.length > buffer.length ? null : upTo(from + framing.length);
    case 'chunked': {
      const result = new ChunkedDecoder().decode(buffer, from, buffer.length);
      return result.done ? { ...upTo(result.dataEnd), end: result.consumed } : null;
    }
  }
}

/** Node's reading of all these bytes; a text with the reason when it refuses them. */
function nodes(text: string): Promise<Reading | string> {
  return new Promise((resolve) => {
    const socket = new Duplex({
      read: () => undefined,
      write: (_chunk, _encoding, done) => done(),
    });
    const client = request({ createConnection: () => socket, host: 'h', maxHeaderSize: 1 << 18 });
    client.on('error', (error) => resolve(error.message));
    client.on('upgrade', () => resolve('upgrade'));
    client.on('response', (response) => {
      let body = '';
      response.setEncoding('latin1');
      response.on('data', (data: string) => (body += data));
      response.on('error', (error) => resolve(error.message));
      response.on('end', () => {
        const raw = response.rawHeaders;
        resolve({
          status: response.statusCode ?? 0,
          minorVersion: response.httpVersionMinor,
          reason: response.statusMessage ?? '',
          fields: raw.flatMap((name, i): Array<[string, string]> =>
            i % 2 === 0 ? [[name.toLowerCase(), raw[i + 1]!]] : [],
          ),
          body,
        });
      });
    });
    client.end();
    socket.push(Buffer.from(text, 'latin1'));
    socket.push(null);
  });
}

/** The same heads without the cases that the top of this file lists. */
function plain(heads: string): string {
  return heads
    .split(/(?<=\r\n\r\n)/)
    .map((head) =>
      head
        .replace(/[ \t]*\r\n[ \t]+/g, ' ')
        .replace(/^(content-length:[ \t]*[0-9]+)[ \t]*,[ \t0-9,]*$/gim, '$1')
        .replace(/(?<=^content-length:[^]*\r\n)content-length:.*\r\n/gim, '')
        .replace(/^HTTP\/1.1 1[^]*/, (interim) =>
          interim.replace(/^(?:connection|content-length|transfer-encoding):.*\r\n/gim, ''),
        ),
    )
    .join('');
}

/** Reads it in both ways, after it has been made plain, and compares. */
async function compare(text: string): Promise<void> {
  const own = ours(text);
  if (own === null || own.reading.status === 101) return;
  const answer = plain(text.slice(0, own.headEnd)) + text.slice(own.headEnd, own.consumed);
  const again = ours(answer);
  expect(again?.consumed).to.equal(answer.length);
  expect({ ...again?.reading, fields: [] }).to.deep.equal({ ...own.reading, fields: [] });
  expect(await nodes(answer)).to.deep.equal(again?.reading);
}

describe("fuzz: http beside Node's parser", () => {
  for (const [i, answer] of ANSWERS.entries()) {
    it(`reads the right answer ${i} as Node does`, async () => {
      expect(ours(answer)?.consumed).to.equal(answer.length);
      await compare(answer);
    });
  }

  it('takes nothing that Node refuses, and sees nothing else in it', async () => {
    await fc.assert(fc.asyncProperty(mutated(ANSWERS, 3), compare), { numRuns: runs(500) });
  });
});
