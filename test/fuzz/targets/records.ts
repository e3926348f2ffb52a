/** What is read from the disk and the command line: journals, receipts, checksums. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, lstatSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import {
  decodeJournal,
  encodeFrame,
  encodeHeader,
  extentFrames,
  forgetFrames,
  identityFrame,
  cleanFrame,
  FRAME_HEAD_BYTES,
  HEADER_BYTES,
} from '../../../src/disk/journal-format.js';
import type { Frame, JournalContents } from '../../../src/disk/journal-format.js';
import { findReceipt, writeReceipt } from '../../../src/disk/receipts.js';
import { compareValidators, ifRangeValue, keptValidators } from '../../../src/http/validators.js';
import type { Validators } from '../../../src/http/validators.js';
import { parseChecksum } from '../../../src/verify/checksum.js';
import type { Target } from '../engine/fuzzer.js';
import { answered } from './support.js';

export const checksum: Target = {
  name: 'checksum',
  modules: ['/src/verify/checksum.js'],
  seeds: [
    `sha256:${'0'.repeat(64)}`,
    ` SHA-1=${'aB'.repeat(20)}\n`,
    `md5:${'f'.repeat(32)}`,
    `crc32c:01234567`,
    `${'0'.repeat(64)}  file.iso`,
  ],
  dictionary: ['sha512:', 'blake3=', 'sha-256:', 'constructor:', '__proto__:', ':', '=', '  *file'],
  maxBytes: 64 * 1024,
  run(input) {
    const text = input.toString('utf8');
    return answered(() => {
      const { algorithm, hex } = parseChecksum(text);
      assert.match(hex, /^[0-9a-f]{8,128}$/);
      assert(text.toLowerCase().trim().endsWith(hex));
      return algorithm;
    });
  },
};

const ETAG: Validators = {
  etag: { opaque: '"e"', weak: false },
  lastModified: 'Sun, 06 Nov 1994 08:49:37 GMT',
  lastModifiedMs: Date.UTC(1994, 10, 6, 8, 49, 37),
  dateMs: 1e12,
};

/** What becomes of validators that a file held, whatever they are. */
function useValidators(value: unknown): string {
  const kept = keptValidators(value);
  const value2 = ifRangeValue(kept);
  if (value2 !== null) assert.match(value2, /^[\x20-\x7e\x80-\xff]+$/);
  return `${compareValidators(kept, ETAG)} ${compareValidators(ETAG, kept)} ${value2 === null}`;
}

const identity = {
  version: 1,
  url: 'https://h/x?y',
  finalUrl: null,
  size: 9_000,
  validators: ETAG,
  part: { dev: '1', ino: '2' },
  bootId: null,
  createdMs: 5,
  options: { checksums: [] },
} as const;

const clean = { size: 9_000, mtimeNs: '1', ino: '2', dev: '1' };

function journalOf(frames: Frame[]): string {
  const header = encodeHeader(7);
  let seed = 7;
  const parts = [header];
  for (const frame of frames) {
    const encoded = encodeFrame(frame, seed);
    seed = encoded.seed;
    parts.push(encoded.bytes);
  }
  return Buffer.concat(parts).toString('latin1');
}

/** Gives every frame the CRC that it should have, or the mutations would never get behind it. */
function reframed(input: Buffer): Buffer {
  const bytes = Buffer.from(input);
  if (bytes.length < HEADER_BYTES) return bytes;
  let seed = bytes.readUInt32LE(12);
  for (let at = HEADER_BYTES; at + FRAME_HEAD_BYTES <= bytes.length;) {
    const length = Math.min(bytes.readUInt32LE(at), bytes.length - at - FRAME_HEAD_BYTES);
    bytes.writeUInt32LE(length, at);
    const end = at + FRAME_HEAD_BYTES + length;
    seed = crc32(bytes.subarray(at + 8, end), crc32(bytes.subarray(at, at + 4), seed));
    bytes.writeUInt32LE(seed, at + 4);
    at = end;
  }
  return bytes;
}

function checkJournal(bytes: Buffer, journal: JournalContents): string {
  const { extents, validBytes, damaged, appendAt } = journal;
  assert(validBytes <= bytes.length && appendAt.offset <= validBytes);
  assert(damaged || validBytes === bytes.length);
  let last = 0;
  for (const { start, end } of extents) {
    assert(start >= last && end > start && end <= (journal.identity.size ?? Infinity));
    last = end;
  }
  assert.deepEqual(decodeJournal(bytes.subarray(0, validBytes)).extents, extents);
  // Both are shown by `info`, which must not fail on them.
  assert(URL.canParse(journal.identity.url));
  assert.match(new Date(journal.identity.createdMs).toISOString(), /Z$/);
  return `${damaged} ${extents.length > 0} ${journal.clean === null} ${useValidators(journal.identity.validators)}`;
}

const extents = [
  { start: 0, end: 100, crc: 1 },
  { start: 200, end: 300, crc: 2 },
];

export const journal: Target = {
  name: 'journal',
  modules: ['/src/disk/journal-format.js', '/src/disk/durable-extents.js'],
  seeds: [
    journalOf([identityFrame(identity), ...extentFrames(extents)]),
    journalOf([
      identityFrame(identity),
      ...extentFrames(extents),
      ...forgetFrames([{ start: 50, end: 250 }]),
      cleanFrame(clean),
    ]),
    journalOf([identityFrame({ ...identity, size: null }), identityFrame(identity)]),
    journalOf([identityFrame({ ...identity, validators: null, finalUrl: 'http://h/z' })]),
  ],
  dictionary: [
    ...['\x01\x00\x00\x00', '\x02', '\x03', '\x04', '\xff\xff\xff\xff', '\0'.repeat(8), 'SLUICEJ1'],
    ...['null', '"validators":{}', '"etag":"x"', '{"opaque":1}', '1e300', '-1', '"size":0', '[]'],
    ...['"http://h"', '"createdMs":', '\0\0\0\0\0\0\x20\0', '{', '}', '"weak":true'],
  ],
  maxBytes: 64 * 1024,
  run(input) {
    const results = [input, reframed(input)].map((bytes) =>
      answered(() => checkJournal(bytes, decodeJournal(bytes))),
    );
    return results.join(' ');
  },
};

/** A receipt on a real disk, in a directory that goes away with the process. */
function receiptDirectory(): { target: string; env: Record<string, string>; text: string } {
  const root = mkdtempSync(path.join(os.tmpdir(), 'sluice-fuzz-'));
  process.once('exit', () => rmSync(root, { recursive: true, force: true }));
  const target = path.join(root, 'file');
  writeFileSync(target, 'content');
  const env = { SLUICE_STATE_DIR: root };
  mkdirSync(path.join(root, 'finished'));
  const facts = {
    url: 'http://h/x',
    validators: ETAG,
    digests: { sha256: 'ab'.repeat(32) },
    bootId: null,
    synced: true,
  };
  assert(writeReceipt(target, facts, env));
  const [name] = readdirSync(path.join(root, 'finished'));
  return { target, env, text: path.join(root, 'finished', name ?? '') };
}

let receipts: ReturnType<typeof receiptDirectory> | null = null;

export const receipt: Target = {
  name: 'receipt',
  modules: ['/src/disk/receipts.js'],
  // @F stands for the facts of the file, which differ from run to run.
  seeds: [
    `{"version":1,"urlSha256":"${'0'.repeat(64)}",@F,"validators":${JSON.stringify(ETAG)},"digests":{"sha256":"ab"},"finishedMs":1,"bootId":null,"synced":true}`,
    `{"version":1,"urlSha256":"${'0'.repeat(64)}",@F,"validators":null,"digests":{},"finishedMs":1,"bootId":"x","synced":false}`,
  ],
  dictionary: ['null', '[]', '{}', '"x"', '1e999', '@F', '"etag":', '"synced":1', ',', '\xff'],
  maxBytes: 70 * 1024,
  run(input) {
    receipts ??= receiptDirectory();
    const { size, mtimeNs, ino, dev } = lstatSync(receipts.target, { bigint: true });
    const facts = `"size":${size},"mtimeNs":"${mtimeNs}","ino":"${ino}","dev":"${dev}"`;
    writeFileSync(receipts.text, input.toString('latin1').replace('@F', facts), 'latin1');
    const found = findReceipt(receipts.target, receipts.env);
    if (found === null) return 'none';
    assert.equal(found.version, 1);
    assert.equal(found.size, 7);
    return useValidators(found.validators);
  },
};
