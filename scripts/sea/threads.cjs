// Stands for node:worker_threads in the single executable: the files that threads are started from lie within it.
const threads = require('node:worker_threads');
const { getAsset } = require('node:sea');

class Worker extends threads.Worker {
  /** @param file its last component names the asset */
  constructor(file, options) {
    const [name] = String(file).split(/[/\\]/).slice(-1);
    super(getAsset(name, 'utf8'), { ...options, eval: true });
  }
}

module.exports = { ...threads, Worker };
