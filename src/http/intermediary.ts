/** Caches and proxies that say that they stand between (RFC 9110 section 7.6.3, RFC 9111 section 5.1). Pure. */
import type { ResponseHead } from './head.js';
import { excerpt } from './syntax.js';

/** What begins the sentence's end that {@link onTheWay} makes. */
const MAY_BE_WHY = '; a cache or proxy may be why';

/** Whether a message names what stands between already. */
export const namesTheWay = (message: string): boolean => message.includes(MAY_BE_WHY);

/**
 * Who an answer says it came through, as the end of a sentence; empty when it says nothing. What is odd
 * about such an answer may be the cache's doing, not the server's.
 */
export function onTheWay({ fields }: ResponseHead): string {
  const via = fields.getAll('via').join(', ');
  const age = fields.get('age');
  const said = [
    ...(via === '' ? [] : [`Via: ${excerpt(via)}`]),
    ...(age === undefined ? [] : [`Age: ${excerpt(age)}`]),
  ];
  return said.length === 0 ? '' : `${MAY_BE_WHY} (${said.join(', ')})`;
}
