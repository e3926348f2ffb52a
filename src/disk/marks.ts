/**
 * What a journal says of kept bytes beside where they are: the options of its identity that a run
 * leaves for the next one. `docs/journal.md` has their meaning.
 */
import type { JournalIdentity } from './journal.js';

/** The identity of an unfinished download, and whether its last run had verified it. */
interface Left {
  identity: Pick<JournalIdentity, 'options'>;
  verified: boolean;
}

/** An absent mark is false. */
export interface Marks {
  /** A digest refused the whole. */
  refused?: boolean;
  /**
   * Bytes were combined that no validator ties together: on the word of a digest that was still to be
   * checked, or because the user insisted.
   */
  mixed?: boolean;
  /** Every byte was in place and verified, and the name could not be taken. */
  complete?: boolean;
}

/** Whether a digest refused the bytes. A run that was killed before it knew has not said so. */
export function wasRefused({ identity, verified }: Left): boolean {
  return identity.options['refused'] === true && !verified;
}

/** Whether only a digest, or the user, can say that the bytes belong together. */
export function isMixed({ identity }: Pick<Left, 'identity'>): boolean {
  return identity.options['mixed'] === true;
}

/** Whether all that was missing is the name. */
export function isComplete({ options }: Left['identity']): boolean {
  return options['complete'] === true;
}

/**
 * What a receipt may say that proves the file to be what the server has: not the validator of what was
 * combined with other bytes.
 */
export function provingValidators(
  identity: Pick<JournalIdentity, 'options' | 'validators'>,
): unknown {
  return isMixed({ identity }) ? null : identity.validators;
}

/** The identity with these marks and no other. */
export function withMarks<T extends Left['identity']>(identity: T, marks: Marks): T {
  const { refused, mixed, complete, ...others } = identity.options;
  void [refused, mixed, complete];
  const made = Object.entries(marks).filter(([, value]) => value === true);
  return { ...identity, options: { ...others, ...Object.fromEntries(made) } };
}
