/*
 * Keeps V8's compiled code of the bundle, for versions of Node that have no compile cache of their
 * own. It is only ever a help: what cannot be read, is damaged, or is of another V8 is made anew.
 */
'use strict';
const { readFileSync, renameSync, unlinkSync, writeFileSync } = require('node:fs');
const nodeModule = require('node:module');
const path = require('node:path');
const vm = require('node:vm');
const { crc32 } = require('node:zlib');

/** Before the code: the CRC-32 of the source that it is of, for V8 compares no more than lengths, and its own. */
const HEAD_BYTES = 8;

/** What was kept of a source, or undefined when there is nothing that is whole. */
function read(at, source) {
  try {
    const kept = readFileSync(at);
    const code = kept.subarray(HEAD_BYTES);
    const isWhole = kept.readUInt32BE(0) === crc32(source) && kept.readUInt32BE(4) === crc32(code);
    return isWhole ? code : undefined;
  } catch {
    return undefined;
  }
}

/** A command that starts at this moment reads the old file or the new one, never half of one. */
function write(at, source, code) {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(crc32(source), 0);
  head.writeUInt32BE(crc32(code), 4);
  const unfinished = `${at}.${process.pid}~`;
  try {
    writeFileSync(unfinished, Buffer.concat([head, code]), { mode: 0o600 });
    renameSync(unfinished, at);
  } catch {
    remove(unfinished);
  }
}

/** What cannot be removed either was never made. */
function remove(unfinished) {
  try {
    unlinkSync(unfinished);
  } catch {
    return;
  }
}

/**
 * Loads a CommonJS file, from compiled code if there is some.
 * @param directory where compiled code is kept
 * @returns what the file exports, and a function that keeps its code for the next time
 */
function load(file, directory) {
  const at = path.join(directory, `${path.basename(file)}-${process.version}-${process.arch}`);
  const source = readFileSync(file);
  const cachedData = read(at, source);
  const wrapped = nodeModule.wrap(source.toString());
  const script = new vm.Script(wrapped, { filename: file, cachedData });
  const module = new nodeModule(file);
  const required = nodeModule.createRequire(file);
  required.cache[file] = module;
  script.runInThisContext()(module.exports, required, module, file, path.dirname(file));
  const isKept = cachedData !== undefined && script.cachedDataRejected !== true;
  const keep = () => isKept || write(at, source, script.createCachedData());
  return { exports: module.exports, keep };
}

module.exports = { load };
