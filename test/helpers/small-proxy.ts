/**
 * A proxy for tests: requests in absolute form, CONNECT, and SOCKS5, all on one port. It alone knows
 * the addresses of the names that it is given, so whoever reaches one of these has not looked it up.
 */
import net from 'node:net';
import tls from 'node:tls';

export interface SmallProxyOptions {
  /** Makes it an https proxy. */
  tls?: tls.TlsOptions;
  /** What it wants to hear. */
  user?: { user: string; password: string };
  /** Where names lead; others, and addresses, lead where they say. */
  names?: Record<string, string>;
  /** Answers instead of the proxy; what it returns is sent, and the connection closed. Null goes on. */
  instead?: (asked: string) => Buffer | string | null;
}

/** A running proxy. */
export class SmallProxy {
  /** What was asked for, in order: `GET http://...`, `CONNECT host:port`, `SOCKS host:port`. */
  readonly asked: string[] = [];
  /** Heads of requests in absolute form and of CONNECT. */
  readonly heads: string[] = [];
  /** Connections that came in. */
  connections = 0;
  private readonly sockets = new Set<net.Socket>();

  private constructor(
    private readonly server: net.Server,
    private readonly options: SmallProxyOptions,
  ) {}

  static async start(options: SmallProxyOptions = {}): Promise<SmallProxy> {
    const server = options.tls === undefined ? net.createServer() : tls.createServer(options.tls);
    const proxy = new SmallProxy(server, options);
    const event = options.tls === undefined ? 'connection' : 'secureConnection';
    server.on(event, (socket: net.Socket) => proxy.serve(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.server.address() as net.AddressInfo).port;
  }

  /** Its address, as `--proxy` takes it. */
  url(scheme: string, userinfo = ''): string {
    return `${scheme}://${userinfo}${userinfo === '' ? '' : '@'}127.0.0.1:${this.port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private track(socket: net.Socket): void {
    this.sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.sockets.delete(socket));
  }

  private serve(socket: net.Socket): void {
    this.connections++;
    this.track(socket);
    socket.once('data', (first: Buffer) => {
      if (first[0] === 5) void this.socks(socket, first);
      else this.http(socket, first);
    });
  }

  /** Whether the answer was given by the test. */
  private isAnswered(socket: net.Socket, asked: string): boolean {
    this.asked.push(asked);
    const bytes = this.options.instead?.(asked) ?? null;
    if (bytes !== null) socket.end(bytes);
    return bytes !== null;
  }

  private connect(host: string, port: number): net.Socket {
    const upstream = net.connect(port, this.options.names?.[host] ?? host);
    this.track(upstream);
    return upstream;
  }

  private join(socket: net.Socket, upstream: net.Socket): void {
    socket.pipe(upstream);
    upstream.pipe(socket);
    socket.on('close', () => upstream.destroy());
    upstream.on('close', () => socket.destroy());
  }

  private http(socket: net.Socket, first: Buffer): void {
    let waiting = first.toString('latin1');
    let upstream: net.Socket | null = null;
    const take = (): void => {
      const end = waiting.indexOf('\r\n\r\n') + 4;
      if (end < 4) return;
      const head = waiting.slice(0, end);
      waiting = waiting.slice(end);
      const [method = '', target = ''] = head.split(' ', 2);
      this.heads.push(head);
      if (!this.isWelcome(head)) {
        this.asked.push(`${method} ${target}`);
        socket.end(
          'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n',
        );
        return;
      }
      if (this.isAnswered(socket, `${method} ${target}`)) return;
      if (method === 'CONNECT') {
        socket.off('data', more);
        return this.tunnel(socket, target);
      }
      const url = new URL(target);
      upstream ??= this.connect(url.hostname, Number(url.port || 80));
      const lines = head.split('\r\n').filter((line) => !/^proxy-authorization:/i.test(line));
      lines[0] = `${method} ${url.pathname}${url.search} HTTP/1.1`;
      upstream.write(lines.join('\r\n'), 'latin1');
      if (upstream.listenerCount('data') === 0) {
        upstream.pipe(socket);
        upstream.on('close', () => socket.destroy());
        socket.on('close', () => upstream?.destroy());
      }
      take();
    };
    const more = (bytes: Buffer): void => {
      waiting += bytes.toString('latin1');
      take();
    };
    socket.on('data', more);
    take();
  }

  private isWelcome(head: string): boolean {
    const { user } = this.options;
    if (user === undefined) return true;
    const coded = Buffer.from(`${user.user}:${user.password}`).toString('base64');
    return head.includes(`\r\nProxy-Authorization: Basic ${coded}\r\n`);
  }

  private tunnel(socket: net.Socket, target: string): void {
    const { hostname, port } = new URL(`http://${target}`);
    const upstream = this.connect(hostname.replace(/^\[|\]$/g, ''), Number(port));
    upstream.once('connect', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      this.join(socket, upstream);
    });
  }

  private async socks(socket: net.Socket, first: Buffer): Promise<void> {
    const read = reader(socket, first);
    const [, count = 0] = await read(2);
    const methods = await read(count);
    const { user } = this.options;
    if (user === undefined) socket.write(Buffer.from([5, 0]));
    else if (!methods.includes(2)) return void socket.end(Buffer.from([5, 0xff]));
    else {
      socket.write(Buffer.from([5, 2]));
      await read(1);
      const given = [await readText(read), await readText(read)];
      const fits = given[0] === user.user && given[1] === user.password;
      if (!fits) return void socket.end(Buffer.from([1, 1]));
      socket.write(Buffer.from([1, 0]));
    }
    const [, , , kind] = await read(4);
    const host =
      kind === 3
        ? await readText(read)
        : kind === 1
          ? [...(await read(4))].join('.')
          : ((await read(16)).toString('hex').match(/.{4}/g) ?? []).join(':');
    const port = (await read(2)).readUInt16BE();
    if (this.isAnswered(socket, `SOCKS ${host}:${port}`)) return;
    const upstream = this.connect(host, port);
    const refuse = (): void => void socket.end(Buffer.from([5, 5, 0, 1, 0, 0, 0, 0, 0, 0]));
    upstream.once('error', refuse);
    upstream.once('connect', () => {
      // In a tunnel that stands nothing is the proxy's own word.
      upstream.removeListener('error', refuse);
      socket.write(Buffer.from([5, 0, 0, 3, 1, 120, 0, 0]));
      this.join(socket, upstream);
    });
  }
}

type Read = (count: number) => Promise<Buffer>;

async function readText(read: Read): Promise<string> {
  const [length = 0] = await read(1);
  return (await read(length)).toString();
}

/** Reads exactly so many bytes. */
function reader(socket: net.Socket, first: Buffer): Read {
  let waiting = first;
  return async (count) => {
    while (waiting.length < count) {
      const more = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
      waiting = Buffer.concat([waiting, more]);
    }
    const taken = waiting.subarray(0, count);
    waiting = waiting.subarray(count);
    return taken;
  };
}
