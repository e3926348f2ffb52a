/**
 * What a server does wrong in a body. Once it may be an accident on the way; the same at the same place of the
 * file again is what the server has to say, and no further try will hear anything else.
 */
import type { SluiceError } from '../errors.js';

export class Defects {
  private last: string | null = null;

  /**
   * Takes note of how a body ended.
   * @param offset in the file, behind the last byte that could be read
   * @returns whether it ended in the same way at the same place the time before
   */
  isAgain({ code, message }: SluiceError, offset: number): boolean {
    const now = code === 'HTTP_MALFORMED' ? `${offset} ${message}` : null;
    const isAgain = now !== null && now === this.last;
    this.last = now;
    return isAgain;
  }
}
