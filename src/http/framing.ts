/** Where the body of a response ends (RFC 9112 §6.3), and whether its connection lives on (§9.3). */
import { SluiceError } from '../errors.js';
import type { RequestSpec } from './request.js';
import type { ResponseHead } from './head.js';
import { BROKEN, excerpt, parseDigits, trimOws } from './syntax.js';

/**
 * `length` is in bytes; `close` is a body that ends with the connection. A chunked body has a length
 * only where Content-Length stands beside it: what it decodes to must have that length.
 */
export type Framing =
  | { kind: 'none' }
  | { kind: 'length'; length: number }
  | { kind: 'chunked'; length?: number }
  | { kind: 'close' };

/**
 * How the body of this answer is framed. Fields that contradict each other are refused where
 * there is no body as well (HEAD, 204, 304), but ignored in interim answers and tunnels (§6.3).
 * Beside `chunked`, Content-Length frames nothing (§6.3); `Transfer-Encoding: identity` is none.
 * @throws SluiceError HTTP_MALFORMED when Content-Length is not a number, has unequal values or is
 *   above 2^53 - 1; when Transfer-Encoding is anything but `chunked` or `identity`. Each is how two
 *   parsers get two bodies.
 */
export function bodyFraming(method: RequestSpec['method'], head: ResponseHead): Framing {
  const { status } = head;
  if (status < 200 || (method === 'CONNECT' && status < 300)) return { kind: 'none' };
  const framing = framingOfFields(head);
  const bodiless = method === 'HEAD' || status === 204 || status === 304;
  return bodiless ? { kind: 'none' } : framing;
}

function framingOfFields(head: ResponseHead): Framing {
  const length = contentLength(head);
  // How long a part is, its Content-Range says.
  const isSaid = head.status === 206 && head.fields.has('content-range');
  if (isChunked(head))
    return length === null || isSaid ? { kind: 'chunked' } : { kind: 'chunked', length };
  return length === null ? { kind: 'close' } : { kind: 'length', length };
}

/** The bytes that a body must have if this answer tells; null when only its end does. */
export function lengthOf(framing: Framing): number | null {
  return framing.kind === 'length' || framing.kind === 'chunked' ? (framing.length ?? null) : null;
}

/**
 * The value of Content-Length in bytes; null without one. A list of equal numbers is that number
 * (RFC 9112 §6.3, rule 5). A plus sign before the digits changes no number.
 * @throws SluiceError HTTP_MALFORMED when it is not valid.
 */
export function contentLength(head: ResponseHead): number | null {
  const value = head.fields.get('content-length');
  if (value === undefined) return null;
  const lengths = value.split(',').map((part) => parseDigits(trimOws(part).replace(/^\+/, '')));
  const [length] = lengths;
  if (length === null || length === undefined || lengths.some((other) => other !== length)) {
    throw malformed(`Content-Length is not valid: ${excerpt(value)}`, head);
  }
  return length;
}

/**
 * Whether the connection may carry another request after this body (RFC 9112 §9.3). A tunnel that
 * CONNECT opened is not asked here.
 */
export function mayReuse(head: ResponseHead, framing: Framing): boolean {
  if (framing.kind === 'close' || head.status === 101) return false;
  // Another reader may take a length with a sign for none, and what follows for more of the body.
  if (head.fields.get('content-length')?.includes('+') === true) return false;
  // Another reader could have taken the other field for what frames the body (RFC 9112 §6.3), or have
  // taken a coding for none (§6.1) or for two.
  const codings = (head.fields.get('transfer-encoding') ?? '').split(',').length;
  const isOdd = head.minorVersion === 0 || codings > 1 || head.fields.has('content-length');
  if (head.fields.has('transfer-encoding') && isOdd) return false;
  const options = (head.fields.get('connection') ?? '')
    .split(',')
    .map((option) => trimOws(option).toLowerCase());
  if (options.includes('close')) return false;
  return head.minorVersion === 1 || options.includes('keep-alive');
}

/**
 * Whether the body is chunked. `identity` (RFC 2616 §3.6) and an empty value name no coding; beside
 * `chunked` they are refused, for another reader may take the last word for the one that counts.
 * `chunked` more than once is a field that two programs wrote: nobody may apply it twice (§6.1). In
 * HTTP/1.0 it has no meaning, but what decodes to the last chunk is no other body.
 */
function isChunked(head: ResponseHead): boolean {
  const coding = head.fields.get('transfer-encoding');
  const names = (coding ?? '').split(',').map((name) => trimOws(name).toLowerCase());
  if (names.every((name) => name === '' || name === 'identity')) return false;
  if (names.some((name) => name !== 'chunked')) {
    throw malformed(`Transfer-Encoding is not just chunked: ${excerpt(coding ?? '')}`, head);
  }
  return true;
}

function malformed(message: string, head: ResponseHead): SluiceError {
  return new SluiceError('HTTP_MALFORMED', message, { httpStatus: head.status, next: BROKEN });
}
