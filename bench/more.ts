/** The scenarios that compare sluice with itself, and those of a far link. */
import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { contentDigest } from '../test/helpers/content.js';
import { freePorts } from '../test/helpers/real-server.js';
import { ALL_PEERS, SLUICE } from './peers.js';
import {
  MB,
  SEED,
  fastestPeer,
  originEntry,
  peerEntries,
  serve,
  sluiceEntry,
  wall,
  type Bar,
  type Entry,
  type Medians,
  type Scenario,
  type Settings,
  type SluiceWork,
  type Stage,
} from './scenarios.js';

/** Fixed numbers of connections that `auto` is held to. */
const FIXED = [1, 2, 4, 8, 16];
const NUMBERS = [...FIXED, 'auto'] as const;

/** Bytes of TCP payload in a full packet of 1500 bytes. */
const PAYLOAD = 1448 / 1500;

/** A server that allows so many connections. */
const ALLOWED = 4;

const rowOf = (work: string, connections: number | 'auto'): string =>
  `sluice, ${work}, -n ${connections}`;

function autoBar(work: string, medians: Medians): Bar {
  const best = Math.min(...FIXED.map((fixed) => wall(medians, rowOf(work, fixed))));
  const value = wall(medians, rowOf(work, 'auto')) / best;
  return { name: `${work}: auto / best fixed number`, value, atMost: 1.05 };
}

/** B9: `auto` beside every fixed number, on the work of B1, B2, B3 and B5. */
async function auto(settings: Settings): Promise<Stage> {
  const { directory, size } = settings;
  const { nginx, expected } = await serve(settings, size, 20 * MB);
  nginx.addContent('quarter.bin', SEED, Math.floor(size / 4));
  const { caFile } = nginx;
  const urls = {
    http: nginx.url('/file.bin'),
    tls: nginx.url('/file.bin', 'https'),
    capped: nginx.url('/limited/file.bin'),
  };
  const quarter = Math.floor(size / 4);
  const slow = { directory, size: quarter, sha256: contentDigest(SEED, quarter), slow: true };
  const rows = Object.entries(urls).flatMap(([work, url]) =>
    NUMBERS.map((connections) => {
      const does: SluiceWork = { url, connections, caFile };
      return sluiceEntry(rowOf(work, connections), directory, expected, does);
    }),
  );
  const slowRows = NUMBERS.map((connections) =>
    originEntry(SLUICE, rowOf('one slow', connections), { ...slow, connections }),
  );
  return {
    entries: [...rows, ...slowRows],
    judge: (medians) => [...Object.keys(urls), 'one slow'].map((work) => autoBar(work, medians)),
    close: () => nginx.close(),
  };
}

/** What `--sync` and `--preallocate` cost, on the disk of `--dir` and in memory. */
async function allocation(settings: Settings): Promise<Stage> {
  const { nginx, expected } = await serve(settings, settings.size);
  const memory = mkdtempSync(path.join(settings.memory, 'sluice-bench-'));
  const places = { disk: settings.directory, memory };
  const name = (place: string, sync: string, how: string): string =>
    `sluice, ${place}, --sync ${sync} --preallocate ${how}`;
  const work = { url: nginx.url('/file.bin'), connections: 8, caFile: nginx.caFile };
  const entries: Entry[] = [];
  for (const [place, directory] of Object.entries(places)) {
    for (const sync of ['none', 'auto', 'full']) {
      for (const how of ['none', 'sparse', 'full']) {
        const flags = ['--sync', sync, '--preallocate', how];
        entries.push(sluiceEntry(name(place, sync, how), directory, expected, work, flags));
      }
    }
  }
  return {
    entries,
    judge: (medians) =>
      Object.keys(places).map((place) => {
        const here = [...medians].filter(([row]) => row.startsWith(`sluice, ${place}`));
        const fastest = Math.min(...here.map(([, sample]) => sample.wall));
        const value = wall(medians, name(place, 'auto', 'sparse')) / fastest;
        return { name: `${place}: the default / the fastest`, value, atMost: 1.1 };
      }),
    close: async () => {
      rmSync(memory, { recursive: true, force: true });
      await nginx.close();
    },
  };
}

/** A server that refuses more than a few connections at once, asked over many more. */
async function refusing(settings: Settings): Promise<Stage> {
  const location = (root: string): string =>
    `location /few/ { alias "${root}/"; limit_conn each ${ALLOWED}; limit_rate 20m; }`;
  const { nginx, expected } = await serve(settings, settings.size, undefined, location);
  const url = nginx.url('/few/file.bin');
  const { directory } = settings;
  const work = { url, connections: 16, caFile: nginx.caFile };
  const peers = ALL_PEERS.filter(({ parallel }) => parallel);
  const right = `sluice, -n ${ALLOWED}`;
  return {
    entries: [
      ...peerEntries(peers, directory, expected, work),
      sluiceEntry(right, directory, expected, { ...work, connections: ALLOWED }),
      sluiceEntry('sluice, -n auto', directory, expected, { ...work, connections: 'auto' }),
    ],
    judge: (medians) => [
      {
        name: `-n 16 / -n ${ALLOWED}`,
        value: wall(medians, 'sluice') / wall(medians, right),
        atMost: 1.1,
      },
      {
        name: `auto / -n ${ALLOWED}`,
        value: wall(medians, 'sluice, -n auto') / wall(medians, right),
        atMost: 1.1,
      },
    ],
    close: () => nginx.close(),
  };
}

/** B4, and its part of B9: everything over the link that `--exec-client` leads to. */
async function far(settings: Settings): Promise<Stage> {
  const { directory, size } = settings;
  if (settings.far === null) throw new Error(String(needsLink(settings)));
  const { address, exec, mbit } = settings.far;
  const [port = 0] = await freePorts(1);
  const { nginx, expected } = await serve(settings, size, undefined, `listen ${address}:${port};`);
  const work = { url: `http://${address}:${port}/file.bin`, caFile: nginx.caFile };
  const entries = [
    ...peerEntries(ALL_PEERS, directory, expected, { ...work, connections: 8 }),
    ...NUMBERS.map((connections) =>
      sluiceEntry(rowOf('far', connections), directory, expected, { ...work, connections }),
    ),
  ];
  const peersOnly = (medians: Medians): Medians =>
    new Map([...medians].filter(([name]) => !name.startsWith('sluice')));
  return {
    entries: entries.map((entry) => elsewhere(entry, exec)),
    judge: (medians) => {
      const taken = wall(medians, rowOf('far', 'auto'));
      const rate = (size * 8) / taken / (mbit * 1e6 * PAYLOAD);
      return [
        { name: 'auto: part of the payload rate', value: rate, atLeast: 0.93 },
        { name: 'auto / fastest peer', value: taken / fastestPeer(peersOnly(medians)), atMost: 1 },
        autoBar('far', medians),
      ];
    },
    close: () => nginx.close(),
  };
}

/** The same entry, run where the words of `exec` lead. */
function elsewhere(entry: Entry, exec: readonly string[]): Entry {
  return {
    ...entry,
    prepare: async () => {
      const run = await entry.prepare();
      return { ...run, command: [...exec, ...run.command] };
    },
  };
}

function needsLink({ far: link }: Pick<Settings, 'far'>): string | null {
  if (link !== null) return null;
  return 'B4 needs a far link: --exec-client, --server-address and --link-mbit (bench/README.md)';
}

/** See the titles; `sync` and `few` have no number among the bars. */
export const MORE: Readonly<Record<string, Scenario>> = {
  B4: { title: 'a far link', sizeMost: 200 * MB, unfit: needsLink, setUp: far },
  B9: { title: 'auto beside fixed numbers of connections', setUp: auto },
  sync: { title: '--sync and --preallocate', setUp: allocation },
  few: { title: `a server that allows ${ALLOWED} connections, asked over 16`, setUp: refusing },
};
