/** Canaries: words that stand for secrets, and the search for them in whatever came out. */
import { expect } from 'chai';
import { readdirSync } from 'node:fs';
import path from 'node:path';

/** A secret in the forms in which it could come out. */
export function formsOf(secret: string): string[] {
  const text = Buffer.from(secret);
  const percent = [...text].map((byte) => `%${byte.toString(16)}`).join('');
  const shifts = [0, 1, 2].map((n) =>
    Buffer.concat([Buffer.alloc(n), text])
      .toString('base64')
      .slice(4, -4),
  );
  return [secret, percent, percent.toUpperCase(), text.toString('hex'), ...shifts];
}

/** Fails when one of the secrets is in a text, in whatever form, unless it is allowed there. */
export function expectNoneOf(
  secrets: Iterable<string>,
  text: string,
  where: string,
  allowed: readonly unknown[] = [],
): void {
  for (const secret of secrets) {
    if (allowed.includes(secret)) continue;
    for (const form of formsOf(secret)) {
      expect(text.includes(form), `${secret} (${form}) is in ${where}\n${text}`).to.equal(false);
    }
  }
}

/** Every file below a directory. */
export function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
}
