#!/usr/bin/env node
'use strict';
const { availableParallelism } = require('node:os');

// Inflating happens in libuv's threads. One for each processor is best: fewer leave processors idle, more move the work about
// between them (measured with two processors and four threads: a fifth slower). It has to be said before the first of them
// starts, which on Node 20 any ES module brings about: so this is none.
process.env.UV_THREADPOOL_SIZE ??= String(Math.max(2, availableParallelism()));
import('../dist/cli.js');
