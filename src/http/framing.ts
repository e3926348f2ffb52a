/** Where the body of a response ends (RFC 9112 §6.3), and whether its connection lives on (§9.3). */
import { SluiceError } from '../errors.js';
import type { RequestSpec } from './request.js';
import type { ResponseHead } from './head.js';
import { excerpt, parseDigits, trimOws } from './syntax.js';

/** `length` is in bytes; `close` is a body that ends with the connection. */
export type Framing =
  { kind: 'none' } | { kind: 'length'; length: number } | { kind: 'chunked' } | { kind: 'close' };

/**
 * How the body of this answer is framed. Fields that contradict each other are refused where
 * there is no body as well (HEAD, 204, 304), but ignored in interim answers and tunnels (§6.3).
 * @throws SluiceError HTTP_MALFORMED when Content-Length is not a number, has unequal values or is
 *   above 2^53 - 1; when it comes with Transfer-Encoding; when Transfer-Encoding is anything but
 *   `chunked`, or comes in HTTP/1.0 (RFC 9112 §6.1). Each is how two parsers get two bodies.
 */
export function bodyFraming(method: RequestSpec['method'], head: ResponseHead): Framing {
  const { status } = head;
  if (status < 200 || (method === 'CONNECT' && status < 300)) return { kind: 'none' };
  const framing = framingOfFields(head);
  const bodiless = method === 'HEAD' || status === 204 || status === 304;
  return bodiless ? { kind: 'none' } : framing;
}

function framingOfFields(head: ResponseHead): Framing {
  const coding = head.fields.get('transfer-encoding');
  if (coding !== undefined) {
    requireChunked(head, coding);
    return { kind: 'chunked' };
  }
  const length = contentLength(head);
  return length === null ? { kind: 'close' } : { kind: 'length', length };
}

/**
 * The value of Content-Length in bytes; null without one. A list of equal numbers is that number
 * (RFC 9112 §6.3, rule 5).
 * @throws SluiceError HTTP_MALFORMED when it is not valid.
 */
export function contentLength(head: ResponseHead): number | null {
  const value = head.fields.get('content-length');
  if (value === undefined) return null;
  const lengths = value.split(',').map((part) => parseDigits(trimOws(part)));
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
  const options = (head.fields.get('connection') ?? '')
    .split(',')
    .map((option) => trimOws(option).toLowerCase());
  if (options.includes('close')) return false;
  return head.minorVersion === 1 || options.includes('keep-alive');
}

function requireChunked(head: ResponseHead, coding: string): void {
  if (head.minorVersion === 0) throw malformed('Transfer-Encoding is not of HTTP/1.0', head);
  if (head.fields.has('content-length')) {
    throw malformed('both Content-Length and Transfer-Encoding are given', head);
  }
  if (coding.toLowerCase() !== 'chunked') {
    throw malformed(`Transfer-Encoding is not just chunked: ${excerpt(coding)}`, head);
  }
}

function malformed(message: string, head: ResponseHead): SluiceError {
  return new SluiceError('HTTP_MALFORMED', message, { httpStatus: head.status });
}
