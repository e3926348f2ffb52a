/**
 * A real Squid as a caching accelerator in front of another http server:
 *
 * | target | behaves |
 * |---|---|
 * | `/whole/...` | a request for a range makes it fetch, and keep, the whole |
 * | `/stale/...` | the same, and what it keeps it gives for a day, whatever the server has meanwhile |
 * | `/bare/...` | the server is not told of the range; nothing is kept |
 * | `/unmarked/...` | the validators of the answer are left out; nothing is kept |
 * | other | a request for a range is passed on as it is, unless the whole is kept already |
 */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePorts, RealServer } from './real-server.js';

function configuration(directory: string, port: number, server: number): string {
  return `
http_port 127.0.0.1:${port} accel defaultsite=127.0.0.1 no-vhost
cache_peer 127.0.0.1 parent ${server} 0 no-query no-digest originserver name=server
acl whole urlpath_regex ^/(whole|stale)/
acl bare urlpath_regex ^/bare/
acl unmarked urlpath_regex ^/unmarked/
request_header_access Range deny bare
request_header_access If-Range deny bare
reply_header_access ETag deny unmarked
reply_header_access Last-Modified deny unmarked
cache deny bare
cache deny unmarked
refresh_pattern ^http[^?]*/stale/ 1440 100% 1440 override-expire override-lastmod ignore-reload
range_offset_limit none whole
range_offset_limit 0
http_access allow all
cache_mem 96 MB
maximum_object_size_in_memory 64 MB
maximum_object_size 64 MB
collapsed_forwarding on
pid_filename none
cache_log ${directory}/cache.log
cache_store_log none
logformat asked %Ss/%>Hs %rp
access_log stdio:${directory}/access.log asked
buffered_logs off
coredump_dir ${directory}
pinger_enable off
netdb_filename none
shutdown_lifetime 0 seconds
max_filedescriptors 512
client_lifetime 1 hour
dns_nameservers 127.0.0.1
`;
}

/** A running Squid. */
export class Squid extends RealServer {
  private constructor(
    directory: string,
    private readonly port: number,
  ) {
    super(directory);
  }

  /** Starts Squid in front of a server on 127.0.0.1. */
  static async start(serverUrl: string): Promise<Squid> {
    const directory = RealServer.makeDirectory('squid');
    const [port = 0] = await freePorts(1);
    // It gives up root, and writes its logs as another user.
    chmodSync(directory, 0o777);
    const file = path.join(directory, 'squid.conf');
    writeFileSync(file, configuration(directory, port, Number(new URL(serverUrl).port)));
    const squid = new Squid(directory, port);
    await squid.launch({
      program: 'squid',
      args: ['-N', '-f', file],
      ports: [port],
      errorLog: path.join(directory, 'cache.log'),
      stopSignal: 'SIGKILL',
    });
    return squid;
  }

  /** `http://127.0.0.1:PORT/path`. */
  url(target: string): string {
    return `http://127.0.0.1:${this.port}${target}`;
  }

  /** How each request so far was answered, for instance `TCP_MEM_HIT/206 /file`. */
  get log(): string[] {
    return readFileSync(path.join(this.directory, 'access.log'), 'utf8').split('\n').slice(0, -1);
  }
}
