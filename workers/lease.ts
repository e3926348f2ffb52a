/** The piscina task of a worker thread: one lease on one socket. */
import { Connections } from '../src/lease/slots.js';
import { Slots } from '../src/lease/task.js';
import type { DropTask, LeaseOutcome, LeaseTask } from '../src/lease/task.js';
import { runLease } from '../src/lease/run.js';

const connections = new Connections();

/** Runs a lease, see {@link runLease}; or closes the idle connections to an origin. */
export default function lease(task: LeaseTask | DropTask): Promise<LeaseOutcome> | void {
  if ('drop' in task) return connections.dropIdle(task.drop);
  return runLease(task, new Slots(task.memory), connections);
}
