/** Shared by the tests of src/disk: a directory that goes away, and errors by their code. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { SluiceError, type ErrorCode } from '../../../src/errors.js';
import type { JournalIdentity } from '../../../src/disk/journal.js';

/** A function that gives a path in the test's own directory, which is removed afterwards. */
export function temporaryDirectory(): (name?: string) => string {
  let dir = '';
  beforeEach(() => {
    dir = mkdtempSync(path.join(os.tmpdir(), 'sluice-disk-'));
  });
  afterEach(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  return (name = '') => path.join(dir, name);
}

/** The SluiceError that `action` ends with. */
export async function failure(action: () => unknown): Promise<SluiceError> {
  try {
    await action();
  } catch (thrown) {
    expect(thrown).to.be.instanceOf(SluiceError);
    return thrown as SluiceError;
  }
  throw new Error('it did not fail');
}

export async function expectCode(code: ErrorCode, action: () => unknown): Promise<SluiceError> {
  const error = await failure(action);
  expect(error.code, error.message).to.equal(code);
  return error;
}

export function someIdentity(changes: Partial<JournalIdentity> = {}): JournalIdentity {
  return {
    version: 1,
    url: 'https://files.example/big.iso?sig=1',
    finalUrl: null,
    size: null,
    validators: { etag: '"a"' },
    part: { dev: '1', ino: '2' },
    bootId: null,
    createdMs: 1,
    options: {},
    ...changes,
  };
}
