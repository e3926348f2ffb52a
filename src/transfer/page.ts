/**
 * A web page where a file came before: a login, a notice of the network between. It is not the file, so it says
 * nothing of whether that has changed, and it may be gone a moment later.
 */
import { SluiceError } from '../errors.js';
import type { ResponseHead } from '../http/head.js';
import { redactUrl } from '../http/redact.js';
import { excerpt } from '../http/syntax.js';
import { compareValidators, readValidators } from '../http/validators.js';
import type { Asked } from '../open/ask.js';
import type { Offer } from '../open/offer.js';
import type { Known } from './job.js';

/** Whether an answer calls itself a page. */
export function isPage({ fields }: ResponseHead): boolean {
  return /^(?:text\/html|application\/xhtml\+xml)(?:[ \t;,]|$)/i.test(
    fields.get('content-type') ?? '',
  );
}

/**
 * The error of an answer that is a page, and was none before; null for any other.
 * @param known what the representation was known by before
 * @param from the URL that was asked for
 */
export function pageInstead(
  { answer, url }: Asked,
  offer: Offer,
  known: Known,
  from: URL,
): SluiceError | null {
  const { head } = answer;
  if (offer.kind !== 'whole' || known.isPage === true || !isPage(head)) return null;
  if (offer.total !== null && offer.total === known.total) return null;
  if (compareValidators(known.validators, readValidators(head)) === 'same') return null;
  const who =
    url.host === from.host ? 'the server' : `${excerpt(url.host)}, where it is redirected to,`;
  const shown = redactUrl(url);
  return new SluiceError('HTTP_PAGE', `${who} answers with a web page instead of the file`, {
    url: shown,
    httpStatus: head.status,
    next: `Open ${shown} in a browser: it may ask for a login. Then run the same command again; if the page is the file now, add --on-exists overwrite.`,
  });
}
