/** A server of many small files, `/0`, `/1` and so on, each with content of its own, and with faults to order. */
import { contentAt } from './content.js';
import { FaultServer } from './fault-server.js';
import type { RecordedRequest, Reply } from './fault-server.js';

export interface ManyOptions {
  /** Bytes of each file. */
  size: number;
  /** Status with which a file is refused; 0 for none. */
  refuse?: (index: number) => number;
  /** Runs before an answer begins. */
  before?: (index: number, request: RecordedRequest) => Promise<void>;
}

export class ManyServer {
  /** Answers under way, and the most of them at once. */
  readonly busy = { now: 0, most: 0 };

  private constructor(
    readonly server: FaultServer,
    readonly options: ManyOptions,
  ) {}

  static async start(options: ManyOptions): Promise<ManyServer> {
    const server = await FaultServer.start({ handler: (_, reply) => reply.end() });
    const many = new ManyServer(server, options);
    server.handle((request, reply) => many.answer(request, reply));
    return many;
  }

  /** The file of a target `/7?any`. */
  static indexOf(target: string): number {
    return Number(/\d+/.exec(target)?.[0] ?? '0');
  }

  url(index: number): string {
    return this.server.url(`/${index}`);
  }

  /** URLs of so many files, a line each. */
  list(count: number): string {
    return Array.from({ length: count }, (_, index) => `${this.url(index)}\n`).join('');
  }

  /** The content of a file. */
  content(index: number): Buffer {
    return contentAt(index + 1, 0, this.options.size);
  }

  close(): Promise<void> {
    return this.server.close();
  }

  private async answer(request: RecordedRequest, reply: Reply): Promise<void> {
    this.busy.now++;
    this.busy.most = Math.max(this.busy.most, this.busy.now);
    try {
      await this.answerOne(ManyServer.indexOf(request.target), request, reply);
    } finally {
      this.busy.now--;
    }
  }

  private async answerOne(index: number, request: RecordedRequest, reply: Reply): Promise<void> {
    const { size, refuse, before } = this.options;
    await before?.(index, request);
    const status = refuse?.(index) ?? 0;
    if (status !== 0) {
      await reply.head(status, { 'Content-Length': 0 });
      return;
    }
    const { range } = request;
    const start = range?.start ?? 0;
    const end = Math.min(size, range?.end ?? size);
    const fields = { ETag: `"${index}"`, 'Content-Length': end - start };
    if (range === null) await reply.head(200, fields);
    else await reply.head(206, { ...fields, 'Content-Range': `bytes ${start}-${end - 1}/${size}` });
    await reply.body(contentAt(index + 1, start, end - start));
  }
}
