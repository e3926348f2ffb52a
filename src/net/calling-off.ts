/** What waits for the network can be called off by an AbortSignal, whose reason is then the error. */
import { SluiceError } from '../errors.js';

/** The error of what a signal has called off. */
export function calledOff(signal: AbortSignal | null): SluiceError {
  const reason: unknown = signal?.reason;
  if (reason instanceof SluiceError) return reason;
  return new SluiceError('CONNECTION_LOST', 'the connection was not needed any more');
}

/** @throws SluiceError the signal's reason when it has called off already */
export function throwIfCalledOff(signal: AbortSignal | null): void {
  if (signal?.aborted === true) throw calledOff(signal);
}

/**
 * Has `then` run once when the signal calls off, in a moment if it has done so already.
 * @returns what forgets about it
 */
export function onAbort(signal: AbortSignal | null, then: () => void): () => void {
  if (signal === null) return () => undefined;
  if (signal.aborted) queueMicrotask(then);
  signal.addEventListener('abort', then, { once: true });
  return () => signal.removeEventListener('abort', then);
}
