/**
 * Given to Node with `--import`, writes to the file that SLUICE_TEST_MODULES names, in their order:
 * each module that a CommonJS module requires, and `connect` where a socket begins to connect.
 */
import Module from 'node:module';
import { Socket } from 'node:net';
import { note } from './module-notes.js';

interface Loader {
  _load: (name: string, ...rest: unknown[]) => unknown;
}

const loader = Module as unknown as Loader;
const load = loader._load;
loader._load = function (this: unknown, name, ...rest) {
  note(name);
  return load.call(this, name, ...rest);
};

// eslint-disable-next-line @typescript-eslint/unbound-method -- called with its socket below
const connect = Socket.prototype.connect;
Socket.prototype.connect = function (this: Socket, ...args: unknown[]) {
  note('connect');
  return Reflect.apply(connect, this, args) as Socket;
};
