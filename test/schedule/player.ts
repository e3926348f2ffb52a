/**
 * Plays a whole download in virtual time: the first request on connection 0, then whatever a decider
 * wants, in a world. It stands for everything between the scheduler and the wire.
 */
import { backoffMs } from '../../src/engine/backoff.js';
import type { Action, LeaseEnding, LeaseProgress, Span } from '../../src/schedule/types.js';
import { Dice } from '../helpers/dice.js';
import type { Decide, Decider } from './decider.js';
import { Link } from './link.js';
import type { Flow } from './link.js';
import { Places } from './places.js';
import { Quiet } from './quiet.js';
import { FIRST_CHUNK, Server } from './server.js';
import type { Connection, Request } from './server.js';
import { Weather } from './weather.js';
import type { Refusal, World } from './world.js';

/** Bytes beyond a lease that are fetched and compared. */
const SEAM = 4096;

const TICK_MS = 25;
const TIMEOUT_MS = 30_000;
/** What this machine adds to a dial, and to a handshake of TLS. */
const DIAL_MS = 2;
const TLS_MS = 3;
const ROUND_TRIP_TIMEOUT_MS = 2000;

/** Failures in a row without a byte between them after which the engine gives up. */
const RETRIES = 5;

/** Nothing takes longer than this in a world that is worth playing. */
const FOREVER_MS = 1e10;

/** What came of a download. */
export interface Played {
  /** Until the last byte; Infinity when it failed. */
  ms: number;
  failed: string | null;
  /** Body bytes on the wire beyond the file's. */
  overhead: number;
  /** The most connections that received at the same time. */
  peak: number;
  requests: number;
  dials: number;
  limitedBy: string;
  /** Steps that were computed: what the play cost. */
  steps: number;
}

/** A lease that is out. */
interface Out extends Span {
  lease: number;
  line: Line;
  askEnd: number;
  behind: boolean;
  connection: Connection | null;
  request: Request | null;
  /** Where its body began. */
  from: number;
  dialMs: number | null;
  firstByteMs: number | null;
  beganMs: number;
}

/** One connection over its leases, as the engine keeps it. */
interface Line {
  number: number;
  connection: Connection | null;
  failures: number;
  /** In the order in which they are answered. */
  out: Out[];
}

/** What goes on arriving of an answer whose connection was closed. */
interface Ghost {
  connection: Connection;
  left: number;
}

export interface PlayOptions {
  connections: number | 'auto';
  trace?: (nowMs: number, line: string) => void;
}

const STATUS: Partial<Record<Refusal, string>> = {
  refuse: 'CONNECT_FAILED',
  reset: 'CONNECTION_LOST',
};

export function play(world: World, decide: Decide, options: PlayOptions): Played {
  return new Player(world, decide, options).run();
}

class Player {
  private nowMs = 0;
  private readonly total: number;
  private readonly dice: Dice;
  private readonly link: Link;
  private readonly server: Server;
  private readonly weather: Weather;
  private readonly places: Places;
  private readonly quiet: Quiet;
  private readonly lines = new Map<number, Line>();
  private readonly outs = new Map<number, Out>();
  private ghosts: Ghost[] = [];
  /** What shares the link in the present step; kept, for there are millions of steps. */
  private readonly flows: Flow[] = [];
  private decider!: Decider;
  private tickMs = 0;
  private measureMs: number | null = null;
  private measured: number | null = 0;
  private wire = 0;
  private waiting = 0;
  private held = false;
  private work = 0;
  private workFromMs = 0;
  private peak = 0;
  private requests = 0;
  private dials = 0;
  private steps = 0;
  private streak = 0;
  private streakMs = 0;
  private streakMark = 0;
  private failed: string | null = null;

  constructor(
    private readonly world: World,
    private readonly decide: Decide,
    private readonly options: PlayOptions,
  ) {
    const [source] = world.sources;
    const [total] = world.files;
    if (
      source === undefined ||
      total === undefined ||
      world.sources.length + world.files.length > 2
    )
      throw new Error('one file of one source is what can be played so far');
    this.total = total;
    this.dice = new Dice(world.seed);
    // Dice of their own: what one part of the world draws does not change what another one does.
    this.link = new Link(source.link, new Dice(world.seed + 1e6));
    this.server = new Server(source, new Dice(world.seed + 2e6));
    this.weather = new Weather(source.incidents, source.link.roundTripMs);
    this.places = new Places(source.server.addresses.length);
    this.quiet = new Quiet(source.link.roundTripMs);
  }

  private get source() {
    return this.world.sources[0] as World['sources'][0] & object;
  }

  run(): Played {
    this.begin();
    while (this.failed === null && !this.decider.isComplete) {
      this.advance();
      const happened = this.fire();
      if (this.nowMs >= this.tickMs - 1e-9) this.tick();
      else if (!happened) continue;
      if (this.failed === null) this.act();
    }
    return {
      ms: this.failed === null ? this.nowMs : Infinity,
      failed: this.failed,
      overhead: this.wire - this.total,
      peak: this.peak,
      requests: this.requests,
      dials: this.dials,
      limitedBy: this.decider.mostlyLimitedBy,
      steps: this.steps,
    };
  }

  /** The first request, which asks for everything, until the head of its answer is there. */
  private begin(): void {
    const line = this.line(0);
    const connection = this.dial(line);
    this.nowMs = connection.readyMs;
    const out = this.book(line, 0, { start: 0, end: this.total }, this.total, false);
    this.ask(out, connection);
    this.nowMs = out.request?.firstMs as number;
    const roundTripMs = connection.flow.baseMs + DIAL_MS;
    this.decider = this.decide({
      nowMs: this.nowMs,
      total: this.total,
      roundTripMs,
      dialMs: connection.dialMs,
      firstByteMs: this.nowMs - connection.readyMs,
      scheme: this.source.tlsRoundTrips > 0 ? 'https' : 'http',
      connections: this.options.connections,
    });
    this.outs.delete(0);
    out.lease = this.decider.adopt({ start: 0, end: this.total }, this.nowMs);
    this.outs.set(out.lease, out);
    connection.heardMs = this.nowMs;
    this.tickMs = this.workFromMs = this.nowMs;
  }

  private line(number: number): Line {
    let line = this.lines.get(number);
    if (line === undefined) {
      line = { number, connection: null, failures: 0, out: [] };
      this.lines.set(number, line);
    }
    return line;
  }

  // --- what flows -------------------------------------------------------------------------------

  /** Lets time pass until the next thing that can happen, or as long as rates can be taken as they are. */
  private advance(): void {
    const active = this.active();
    const ms = Math.max(0.01, Math.min(this.nextMs(active) - this.nowMs, this.strideMs(active)));
    this.steps++;
    this.flow(active, ms);
    this.nowMs += ms;
    if (this.nowMs > FOREVER_MS) this.failed = 'it takes forever';
  }

  /** Answers whose bodies arrive now. */
  private active(): Out[] {
    const { nowMs } = this;
    if (this.held) return [];
    const active: Out[] = [];
    for (const out of this.outs.values()) {
      const { request, connection } = out;
      if (
        request === null ||
        request.firstMs === null ||
        connection === null ||
        request.refused !== null
      )
        continue;
      if (nowMs >= request.firstMs && nowMs >= connection.resumesMs) active.push(out);
    }
    return active;
  }

  private flow(active: readonly Out[], ms: number): void {
    const { nowMs, server, link, quiet } = this;
    if (!quiet.isCruising) {
      const { flows } = this;
      flows.length = 0;
      const spread = server.spec.addresses.length > 1;
      for (const { connection, request } of active) {
        const { flow } = connection as Connection;
        const sharing = spread ? this.sharing(active, connection as Connection) : active.length;
        flow.limit = server.rateOf(
          connection as Connection,
          request as Request,
          ms,
          nowMs,
          sharing,
        );
        flows.push(flow);
      }
      for (const { connection } of this.ghosts) flows.push(connection.flow);
      if (flows.length === 0) link.rest(ms);
      else link.step(flows, ms, nowMs, this.takes(active.length));
    }
    let arrived = 0;
    for (const out of active) {
      const { connection, request } = out as { connection: Connection; request: Request };
      const rate = quiet.isCruising ? quiet.rateOf(connection) : connection.flow.rate;
      const bytes = Math.min(rate * ms, this.stopOf(out) - request.position);
      if (!(bytes > 0)) continue;
      request.position += bytes;
      request.received += bytes;
      connection.heardMs = nowMs + ms;
      arrived += bytes;
      quiet.count(connection, bytes);
    }
    this.wire += arrived;
    this.haunt(ms);
    this.write(arrived, ms);
    this.work += arrived / this.takes(active.length);
    if (server.count(arrived, nowMs)) this.disturb();
  }

  /** How many of the active connections go to the same address. */
  private sharing(active: readonly Out[], { address }: Connection): number {
    let count = 0;
    for (const { connection } of active) if (connection?.address === address) count++;
    return count;
  }

  private haunt(ms: number): void {
    if (this.ghosts.length === 0) return;
    for (const ghost of this.ghosts) {
      const bytes = Math.min(ghost.left, ghost.connection.flow.rate * ms);
      ghost.left -= Math.max(bytes, 1);
      this.wire += bytes;
    }
    this.ghosts = this.ghosts.filter(({ left }) => left > 0);
  }

  /** Bytes per millisecond that the threads take from so many connections. */
  private takes(connections: number): number {
    const { rate, perConnection } = this.world.processor;
    return rate / (1 + perConnection * Math.max(0, connections - 2));
  }

  private write(bytes: number, ms: number): void {
    const { disk } = this.world;
    if (disk === null) return;
    this.waiting = Math.max(0, this.waiting + bytes - disk.rate * ms);
    const held = this.waiting > (this.held ? disk.waiting / 2 : disk.waiting);
    if (held !== this.held) this.disturb();
    this.held = held;
  }

  /** Where the client stops reading. */
  private stopOf({ end, askEnd }: Out): number {
    return Math.min(askEnd, end + SEAM);
  }

  // --- when something happens -------------------------------------------------------------------

  private nextMs(active: readonly Out[]): number {
    const { nowMs, quiet } = this;
    let next = Math.min(this.tickMs, this.measureMs ?? Infinity, this.weather.nextMs(nowMs));
    for (const out of active) {
      const { connection, request } = out as { connection: Connection; request: Request };
      const rate = quiet.isCruising ? quiet.rateOf(connection) : connection.flow.rate;
      if (rate > 0) next = Math.min(next, nowMs + (this.stopOf(out) - request.position) / rate);
      if (quiet.isCruising) continue;
      next = Math.min(next, this.server.nextTurnMs(request));
    }
    for (const { connection, request, beganMs } of this.outs.values()) {
      if (connection === null) continue;
      if (nowMs < connection.readyMs)
        next = Math.min(next, connection.readyMs, beganMs + TIMEOUT_MS);
      else if (request !== null && request.firstMs !== null && nowMs < request.firstMs)
        next = Math.min(next, request.firstMs, request.askedMs + TIMEOUT_MS);
      else if (nowMs < connection.resumesMs)
        next = Math.min(next, connection.resumesMs, connection.heardMs + TIMEOUT_MS);
    }
    return next;
  }

  /** How long rates may be taken as they are. */
  private strideMs(active: readonly Out[]): number {
    if (this.quiet.isCruising) return Infinity;
    const { roundTripMs } = this.source.link;
    let isSteady = this.ghosts.length === 0;
    for (const { connection } of active) isSteady &&= isSteadyNow((connection as Connection).flow);
    if (!isSteady) return Math.max(0.25, Math.min(5, roundTripMs / 4));
    return Math.max(5, Math.min(TICK_MS, roundTripMs / 2));
  }

  /** Does what is due; whether the decider has to be asked. */
  private fire(): boolean {
    const { nowMs } = this;
    if (this.weather.changed(nowMs)) this.storm();
    let happened = false;
    if (this.measureMs !== null && nowMs >= this.measureMs - 1e-9) {
      this.measureMs = null;
      this.tell({ kind: 'roundTrip', ms: this.measured });
      happened = true;
    }
    for (const out of [...this.outs.values()]) {
      if (this.outs.get(out.lease) === out && this.fireFor(out)) happened = true;
      if (this.failed !== null) break;
    }
    return happened;
  }

  private fireFor(out: Out): boolean {
    const { nowMs } = this;
    const { connection, request } = out;
    if (connection === null) return false;
    const due = nowMs + 1e-9;
    if (request === null) return this.fireDial(out, connection);
    if (request.firstMs === null) return false;
    if (due < request.firstMs) {
      if (due < request.askedMs + TIMEOUT_MS) return false;
      this.fail(out, 'FIRST_BYTE_TIMEOUT', null);
      return true;
    }
    if (request.refused !== null) {
      const { how, retryAfterMs } = request.refused;
      this.fail(out, STATUS[how] ?? how, retryAfterMs);
      return true;
    }
    if (out.firstByteMs === null) {
      out.firstByteMs = request.firstMs - request.askedMs;
      connection.heardMs = nowMs;
      if (connection.isNew) this.disturb();
      connection.isNew = false;
    }
    if (request.position >= this.stopOf(out) - 1e-3) {
      this.finish(out, 'done');
      return true;
    }
    if (this.held || due < connection.heardMs + TIMEOUT_MS) return false;
    this.fail(out, 'STALLED', null);
    return true;
  }

  private fireDial(out: Out, connection: Connection): boolean {
    const due = this.nowMs + 1e-9;
    if (out.behind) return false;
    if (due < connection.readyMs) {
      if (due < out.beganMs + TIMEOUT_MS) return false;
      this.fail(out, 'CONNECT_TIMEOUT', null);
      return true;
    }
    if (connection.refused?.how === 'refuse') {
      this.fail(out, 'CONNECT_FAILED', null);
      return true;
    }
    out.dialMs = connection.dialMs;
    this.disturb();
    this.ask(out, connection);
    return false;
  }

  /** The weather changed: what is on its way in an outage is lost. */
  private storm(): void {
    this.disturb();
    if (!this.weather.isPaused) return;
    for (const { connection } of this.outs.values()) {
      if (connection === null || this.nowMs < connection.readyMs) continue;
      connection.resumesMs = this.weather.resumesMs(this.nowMs);
      connection.flow.control.stalled();
    }
    this.ghosts = [];
  }

  /** Rates may change from now on. */
  private disturb(): void {
    this.quiet.disturb(this.nowMs);
    this.tickMs = Math.min(this.tickMs, this.nowMs + TICK_MS);
  }

  // --- what the engine does ---------------------------------------------------------------------

  private tick(): void {
    const { nowMs } = this;
    let receiving = 0;
    const leases: LeaseProgress[] = [];
    for (const out of this.outs.values()) {
      const { lease, request, start } = out;
      const state = this.stateOf(out);
      if (state === 'receiving') receiving++;
      const received = Math.max(0, Math.floor((request?.position ?? start) - start));
      leases.push({ lease, state, received, written: received });
    }
    this.peak = Math.max(this.peak, receiving);
    const processor = nowMs > this.workFromMs ? this.work / (nowMs - this.workFromMs) : 0;
    this.work = 0;
    this.workFromMs = nowMs;
    this.tell({ kind: 'progress', leases, held: this.held, processor: Math.min(1, processor) });
    const { quiet } = this;
    // A connection that has ended its lease, and got no other, leaves its part to the others.
    const wasCruising = quiet.isCruising;
    if (wasCruising && quiet.size !== receiving) quiet.disturb(nowMs);
    this.tickMs = nowMs + quiet.tickMs(nowMs, TICK_MS);
    if (quiet.isCruising && !wasCruising) this.lookAhead();
  }

  /** Nothing changes any more: what each connection brings from now on. */
  private lookAhead(): void {
    const active = this.active();
    const rates = new Map<Connection, number>();
    let all = 0;
    for (const { connection } of active) {
      const rate = this.link.longRun((connection as Connection).flow);
      if (rate === null) return;
      const sharing = this.sharing(active, connection as Connection);
      const given = Math.min(rate, this.server.longRunOf(connection as Connection, sharing));
      rates.set(connection as Connection, given);
      all += given;
    }
    const most = Math.min(this.link.capacity, this.takes(active.length));
    if (all > most)
      for (const [connection, rate] of rates) rates.set(connection, (rate * most) / all);
    this.quiet.correct(rates);
  }

  private stateOf({ request, connection }: Out): LeaseProgress['state'] {
    if (connection === null || request === null) return 'connecting';
    return request.firstMs !== null && this.nowMs >= request.firstMs ? 'receiving' : 'waiting';
  }

  private tell(observation: Parameters<Decider['observe']>[0]): void {
    this.decider.observe(observation, this.nowMs);
  }

  private act(): void {
    for (const action of this.decider.act(this.nowMs)) {
      if (action.kind !== 'measure') this.trace(() => describe(action, this.decider));
      this.perform(action);
    }
  }

  private perform(action: Action): void {
    switch (action.kind) {
      case 'fetch': {
        const line = this.line(action.connection);
        const askEnd = Math.min(this.total, action.span.end + SEAM);
        this.start(this.book(line, action.lease, action.span, askEnd, action.behind));
        return;
      }
      case 'cut':
      case 'extend': {
        const out = this.outs.get(action.lease);
        if (out !== undefined) out.end = action.end;
        return;
      }
      case 'abandon': {
        const out = this.outs.get(action.lease);
        if (out === undefined) return;
        if (action.why === 'slow') this.places.passOver(out.line.number, this.nowMs);
        this.finish(out, 'cancelled');
        return;
      }
      case 'measure': {
        const wayMs = this.source.link.roundTripMs + this.link.delayMs;
        const ms = wayMs + this.link.retryMs() + DIAL_MS / 2;
        const lost = this.weather.arrivesMs(this.nowMs, ms) - this.nowMs > ROUND_TRIP_TIMEOUT_MS;
        this.measured = lost ? null : ms;
        this.measureMs = this.nowMs + (lost ? ROUND_TRIP_TIMEOUT_MS : ms);
        return;
      }
    }
  }

  private book(line: Line, lease: number, span: Span, askEnd: number, behind: boolean): Out {
    const { start, end } = span;
    const out: Out = {
      lease,
      line,
      start,
      end,
      askEnd,
      behind,
      connection: null,
      request: null,
      from: start,
      dialMs: null,
      firstByteMs: null,
      beganMs: this.nowMs,
    };
    line.out.push(out);
    this.outs.set(lease, out);
    return out;
  }

  /** Asks on the line's connection, or opens one. */
  private start(out: Out): void {
    const { line } = out;
    out.connection = line.connection ?? this.dial(line);
    if (this.nowMs >= out.connection.readyMs) this.ask(out, out.connection);
  }

  private dial(line: Line): Connection {
    const { link, tlsRoundTrips, server } = this.source;
    const address = this.places.choose(line.number, this.nowMs);
    const baseMs = link.roundTripMs + (server.addresses[address]?.extraMs ?? 0);
    const refused = this.server.greet(this.nowMs);
    const trips = refused?.how === 'refuse' ? 1 : 1 + tlsRoundTrips;
    const wayMs = trips * (baseMs + this.link.delayMs) + this.link.retryMs();
    const dialMs = wayMs + DIAL_MS + tlsRoundTrips * TLS_MS;
    const readyMs = this.weather.arrivesMs(this.nowMs, dialMs);
    const connection: Connection = {
      number: line.number,
      address,
      flow: this.link.flow(baseMs),
      readyMs,
      dialMs: readyMs - this.nowMs,
      refused,
      most: this.server.speedOf(this.link.capacity),
      requests: [],
      chunk: FIRST_CHUNK,
      isNew: true,
      heardMs: this.nowMs,
      resumesMs: 0,
    };
    if (refused === null) this.server.accept(connection);
    line.connection = connection;
    this.dials++;
    return connection;
  }

  private ask(out: Out, connection: Connection): void {
    const { nowMs } = this;
    const last = connection.requests.at(-1);
    const request: Request = {
      lease: out.lease,
      position: out.from,
      askEnd: out.askEnd,
      askedMs: nowMs,
      firstMs: null,
      refused: this.server.answer(connection, nowMs),
      received: 0,
      granted: 0,
      nextMs: 0,
    };
    this.requests++;
    connection.requests.push(request);
    out.request = request;
    out.connection = connection;
    if (last === undefined) {
      connection.flow.control.idled(nowMs - connection.heardMs);
      this.answer(connection, request);
    }
  }

  /** A request is the next one to be answered: when its first byte comes. */
  private answer(connection: Connection, request: Request): void {
    const { baseMs } = connection.flow;
    const thinkMs = this.source.server.thinkMs;
    const hangs = request.refused?.how === 'hang';
    const wayMs = hangs ? Infinity : baseMs + this.link.delayMs + thinkMs;
    const arrives = this.weather.arrivesMs(request.askedMs, wayMs);
    request.firstMs = Math.max(this.nowMs + (this.nowMs > request.askedMs ? thinkMs : 0), arrives);
  }

  /** A lease is over. */
  private finish(out: Out, ending: LeaseEnding): void {
    const { line, connection, request } = out;
    const reached = Math.floor((request?.position ?? out.start) + 1e-3);
    const written = Math.max(out.start, Math.min(out.end, reached));
    const reusable = ending === 'done' && out.end + SEAM >= out.askEnd;
    this.outs.delete(out.lease);
    line.out.splice(line.out.indexOf(out), 1);
    const wasBehind = out.behind;
    if (connection !== null && request !== null && connection.requests.indexOf(request) > 0)
      connection.requests.splice(connection.requests.indexOf(request), 1);
    else if (connection !== null && !reusable) this.close(line, connection, out);
    else connection?.requests.shift();
    this.trace(() => `lease ${out.lease} ${ending} at ${written} on ${line.number}`);
    if (ending === 'done' || written > out.start) line.failures = 0;
    this.tell({
      kind: 'ended',
      lease: out.lease,
      written,
      ending,
      reusable,
      dialMs: out.dialMs,
      firstByteMs: wasBehind ? null : out.firstByteMs,
    });
    this.follow(line, connection, reusable);
    // Whether its connection gets another lease shows soon.
    if (line.out.length === 0) this.tickMs = Math.min(this.tickMs, this.nowMs + this.idleMs);
  }

  /** A connection that waits for its next answer does not idle for longer. */
  private get idleMs(): number {
    const { link, server } = this.source;
    return 2 * (link.roundTripMs + this.link.delayMs) + server.thinkMs + TICK_MS;
  }

  /** What was asked for behind a lease that is over is next; without its connection it begins anew. */
  private follow(line: Line, connection: Connection | null, reusable: boolean): void {
    const [next] = line.out;
    if (next === undefined) return;
    const request = connection?.requests[0];
    if (reusable && request !== undefined && next.request === request) {
      this.answer(connection as Connection, request);
      return;
    }
    if (next.connection !== connection) return;
    next.request = null;
    next.behind = false;
    next.beganMs = this.nowMs;
    this.start(next);
  }

  private close(line: Line, connection: Connection, { request }: Out): void {
    const { flow, requests } = connection;
    if (line.connection === connection) line.connection = null;
    this.server.close(connection, this.nowMs + flow.baseMs / 2);
    if (request !== null && requests[0] === request && request.received > 0) {
      const left = Math.min(request.askEnd - request.position, flow.rate * flow.baseMs);
      if (left > 1) this.ghosts.push({ connection, left });
    }
    connection.requests = [];
    this.disturb();
  }

  /** A lease failed: what the engine makes of it. */
  private fail(out: Out, code: string, retryAfterMs: number | null): void {
    const { line } = out;
    const progressed = (out.request?.position ?? out.start) > out.start;
    this.trace(() => `lease ${out.lease} failed: ${code} on ${line.number}`);
    const failures = progressed ? 1 : line.failures + 1;
    this.finish(out, 'failed');
    line.failures = failures;
    const others = this.outs.size;
    const { nowMs } = this;
    const moves = this.places.passOver(line.number, nowMs);
    if (moves && !progressed && code !== '429' && retryAfterMs === null && failures <= 3) return;
    this.countFailure(out.beganMs, progressed, others);
    const isObjection = code !== 'STALLED';
    if (!progressed && others > 0 && isObjection)
      this.tell({ kind: 'objected', connection: line.number, pauseMs: retryAfterMs ?? 0 });
    const restMs = backoffMs(line.failures, retryAfterMs, this.dice.next());
    this.tell({ kind: 'rested', connection: line.number, untilMs: nowMs + restMs });
    if (others > 0 || progressed) return;
    const pauseMs = backoffMs(Math.max(1, this.streak), retryAfterMs, this.dice.next());
    this.tell({ kind: 'paused', untilMs: nowMs + pauseMs });
  }

  /** Tries that were under way together and fail together are one failure. */
  private countFailure(beganMs: number, progressed: boolean, others: number): void {
    if (progressed || this.wire > this.streakMark) this.streak = 0;
    this.streakMark = this.wire;
    if (this.streak > 0 && beganMs < this.streakMs) return;
    this.streak++;
    this.streakMs = this.nowMs;
    const most = others === 0 ? RETRIES : 2 * (RETRIES + 1);
    if (this.streak > most) this.failed = `${this.streak} failures in a row`;
  }

  private trace(line: () => string): void {
    this.options.trace?.(this.nowMs, line());
  }
}

/** Whether a connection does what it will go on doing. */
const isSteadyNow = ({ control, limit, rate }: Flow): boolean =>
  control.isSteady || rate >= 0.99 * limit;

const MB = (bytes: number): string => (bytes / 1e6).toFixed(2);

function describe(
  action: Exclude<Action, { kind: 'measure' }>,
  { target, limitedBy }: Decider,
): string {
  const tail = `(target ${target}, ${limitedBy})`;
  switch (action.kind) {
    case 'fetch': {
      const { connection, lease, span, behind, hedges } = action;
      const how = behind ? ' behind' : hedges === null ? '' : ` hedging ${hedges}`;
      return `${connection} fetches${how} lease ${lease}: ${MB(span.start)} + ${MB(span.end - span.start)} MB ${tail}`;
    }
    case 'cut':
      return `lease ${action.lease} is cut at ${MB(action.end)} MB ${tail}`;
    case 'extend':
      return `lease ${action.lease} goes on to ${MB(action.end)} MB ${tail}`;
    case 'abandon':
      return `lease ${action.lease} is abandoned: ${action.why} ${tail}`;
  }
}
