/** The piscina task of a worker thread: one lease on one socket. */
import { Connections } from './connections.js';
import { Slots } from './protocol.js';
import type { DropTask, LeaseOutcome, LeaseTask } from './protocol.js';
import { runLease } from './run-lease.js';

const connections = new Connections();

/** Runs a lease, see {@link runLease}; or closes the idle connections to an origin. */
export default function lease(task: LeaseTask | DropTask): Promise<LeaseOutcome> | void {
  if ('drop' in task) return connections.dropIdle(task.drop);
  return runLease(task, new Slots(task.memory), connections);
}
