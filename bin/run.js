#!/usr/bin/env node
import { execute } from '@oclif/core/execute';
import { flush } from '@oclif/core/flush';

await execute({ dir: import.meta.url });
await flush();
// Nothing may keep a finished command alive: not a socket, not a thread.
process.exit();
