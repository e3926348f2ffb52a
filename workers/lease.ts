/** The piscina task of a worker thread: one lease on one socket. */
import { Connections } from './connections.js';
import { Slots } from './protocol.js';
import type { LeaseOutcome, LeaseTask } from './protocol.js';
import { runLease } from './run-lease.js';

const connections = new Connections();

/** Runs a lease; see {@link runLease}. */
export default function lease(task: LeaseTask): Promise<LeaseOutcome> {
  return runLease(task, new Slots(task.memory), connections);
}
