/** Where a model runs apart from the command line: a thread, or a process of its own. Both run `talk.worker.ts`. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Worker, type Transferable } from 'node:worker_threads'
import { portOf } from './process-port.ts'
import type { Port } from '../protocol/rpc.ts'

export interface ModelWorker {
  port: Port
  /** Ends it, whatever it does. */
  end(): Promise<void>
}

/** Neither inherits what has Node read TypeScript. */
const BOOT = `import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))}).then(({ register }) => {
  register()
  return import(${JSON.stringify(new URL('./talk.worker.ts', import.meta.url).href)})
})`

/** `onStopped` hears in words that it ended by itself. */
export function startThread(onStopped: (why: string) => void): ModelWorker {
  const { port1, port2 } = new MessageChannel()
  const worker = new Worker(BOOT, {
    eval: true,
    workerData: port2,
    // Node's own port, which the types of browsers do not know as one.
    transferList: [port2 as unknown as Transferable],
  })
  worker.on('error', (error) => onStopped(error.message))
  port1.start()
  return {
    port: port1,
    end: async () => {
      port1.close()
      await worker.terminate()
    },
  }
}

/** The same. It also ends when this process does, however that ends. */
export function startProcess(onStopped: (why: string) => void): ModelWorker {
  const child = spawn(process.execPath, ['--eval', BOOT], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
  })
  const exited = once(child, 'exit')
  const tell = (code: number | null, signal: string | null): void =>
    onStopped(signal ?? `exit status ${code ?? 'unknown'}`)
  child.on('error', (error) => onStopped(error.message))
  child.on('exit', tell)
  return {
    port: portOf(child),
    end: async () => {
      child.off('exit', tell)
      child.kill('SIGKILL')
      if (child.pid !== undefined) await exited
    },
  }
}
