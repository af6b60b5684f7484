/** The thread or process in which the command line runs models, so that it can be ended whatever they do. */
import { isMainThread, workerData } from 'node:worker_threads'
import type { Port } from '../protocol/rpc.ts'
import { portOf } from './process-port.ts'
import { serveTalk } from './serve-talk.ts'

serveTalk(isMainThread ? fromParent() : fromThread())

function fromThread(): Port {
  const port = workerData as MessagePort
  // What arrives waits for a listener.
  queueMicrotask(() => port.start())
  return port
}

function fromParent(): Port {
  // Ctrl+C goes to both; the parent says how to stop, and nobody is left behind when it is gone.
  process.on('SIGINT', () => undefined)
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
  return portOf(process)
}
