/**
 * What the simulation draws of servers in the wild: heads, labels and chunks in odd forms that all other clients
 * read, firewalls that dislike Range, links that work once, portals, and scanners that hold back an end.
 */
import type { Dice } from './dice.js';
import type { RecordedRequest } from './fault-server.js';
import type { Origin, OriginOptions } from './origin.js';
import type { Wire } from './simulation-faults.js';

const MIB = 1024 * 1024;

type Rewrite = (head: string) => string;

const withLine =
  (line: string): Rewrite =>
  (head) =>
    `${head.slice(0, -2)}${line}\r\n\r\n`;

const label =
  (form: string): Rewrite =>
  (head) =>
    head.replace(/Content-Range: bytes (\d+)-(\d+)\/(\d+)/, `Content-Range: ${form}`);

/** Forms that change nothing of what a head says. */
const FORMS: Rewrite[] = [
  (head) => head.replaceAll('\r\n', '\n'),
  (head) => head.replace('HTTP/1.1 ', 'HTTP/1.2  '),
  withLine('X-Powered-By : some\r\nno colon here'),
  withLine('X-Policy: a\n  b'),
  withLine('Content-Encoding: none'),
  label('bytes=$1-$2/$3'),
  label('$1 - $2 / $3'),
  label('bytes $1-$2/$3\r\nContent-Range: bytes $1-$2/$3'),
  label('bytes $1-$2/*'),
];

/** Forms of a head with a chunked body. */
const OF_CHUNKED: Rewrite[] = [
  withLine('Transfer-Encoding: chunked'),
  (head) => head.replace('HTTP/1.1', 'HTTP/1.0'),
];

/** How a server writes what it means. */
export function drawForm(
  dice: Dice,
  framing: OriginOptions['framing'],
): Pick<OriginOptions, 'writeHead' | 'chunkPadding'> {
  if (!dice.chance(0.35)) return {};
  const forms = framing === 'chunked' ? [...FORMS, ...OF_CHUNKED] : FORMS;
  const chunkPadding = dice.pick(['', ' ', '\t ', '; =a "b']);
  return { writeHead: dice.pick(forms), chunkPadding };
}

const STATUSES = [400, 401, 403, 404, 406, 416, 429, 500, 503, 202, 204, 304];

/** What somebody before the server does, or the server itself, until it is well again. */
export function addHabits(dice: Dice, origin: Origin, { size, framed }: Wire): void {
  if (!dice.chance(0.3)) return;
  const status = dice.pick(STATUSES);
  const refuseWhen = (when: (request: RecordedRequest) => boolean): void =>
    origin.fault({ times: Infinity, when, fault: { kind: 'status', status } });
  const longest = dice.int(MIB, 5 * MIB);
  const from = dice.int(1, 9);
  switch (dice.int(0, 6)) {
    case 0:
      return refuseWhen(({ range }) => range !== null);
    case 1:
      return refuseWhen(({ range }) => range?.end === Infinity);
    case 2:
      return refuseWhen(({ range }) => range === null || range.end - range.start > longest);
    case 3:
      return refuseWhen(({ number }) => number > 0);
    case 4:
      return origin.fault({ times: Infinity, fault: { kind: 'whole-206' } });
    case 5:
      return origin.fault({ times: Infinity, fault: { kind: 'early', by: dice.int(1, 70_000) } });
    default:
      return addPortal(origin, { from, times: dice.int(1, 9), isPage: framed && size > 0 });
  }
}

/** For a while, requests for what is not the beginning are led to a page. */
function addPortal(
  origin: Origin,
  { from, times, isPage }: { from: number; times: number; isPage: boolean },
): void {
  if (!isPage) return;
  const bytes = Buffer.from('<html>log in</html>');
  const page = { ranges: false, etag: 'none', lastModified: null, framing: 'length' } as const;
  origin.route('/login', { ...page, bytes });
  origin.fault({
    times,
    when: ({ number, range, target }) =>
      number >= from && target !== '/login' && (range?.start ?? 0) > 0,
    fault: { kind: 'redirect', location: '/login' },
  });
}
