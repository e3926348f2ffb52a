/** What the targets of the fuzzer share. */
import assert from 'node:assert/strict';
import { SluiceError } from '../../../src/errors.js';

/**
 * What `run` says, or the code of its refusal; anything else that is thrown is a finding, and so is
 * a refusal that says "a defect" or more than a screen can show.
 */
export function answered(run: () => string): string {
  try {
    return run();
  } catch (thrown) {
    return refusalOf(thrown).code;
  }
}

/** What was thrown, when it is a refusal as it should be; otherwise it is thrown again. */
export function refusalOf(thrown: unknown): SluiceError {
  if (!(thrown instanceof SluiceError) || thrown.code === 'DEFECT') throw thrown;
  const { message, details } = thrown;
  const said = `${message}${details.next ?? ''}${details.kept ?? ''}`;
  assert(said.length < 1_000, `the refusal has ${said.length} characters`);
  return thrown;
}

/** Places at which an input is cut, made from the input itself so that it alone is to be kept. */
export function cutsOf(input: Buffer): number[] {
  let state = input.length + 1;
  for (const byte of input.subarray(0, 64)) state = (Math.imul(state, 31) + byte) >>> 0;
  const cuts = [];
  for (let at = state % 7; at < input.length; at += 1 + (state % 13)) {
    cuts.push(at);
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    if (cuts.length > 200) break;
  }
  return cuts;
}

/** The same bytes in pieces that end at `cuts`, which ascend. */
export function inPieces(input: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts, input.length];
  return places.slice(1).map((end, i) => input.subarray(places[i], end));
}

/** The fields of a head that are written as `name: value` lines. */
export function fieldsOf(text: string, ...names: string[]): Array<[string, string]> {
  return text.split('\n').map((value, i) => [names[Math.min(i, names.length - 1)] ?? '', value]);
}
