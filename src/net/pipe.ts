/** A pipe that is written to without blocking. */
import { Socket } from 'node:net';

/** @param fd descriptor of a pipe, opened without blocking; it is closed with the stream */
export function pipeStream(fd: number): NodeJS.WritableStream & { destroy(): unknown } {
  return new Socket({ fd, readable: false, writable: true });
}
