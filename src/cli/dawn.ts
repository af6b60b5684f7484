/**
 * WebGPU in Node: Dawn, in the package `webgpu`. It is an optional peer (130 MB, built for every system at once), so it is
 * asked for when it is needed.
 */
import { totalmem } from 'node:os'
import { AppError } from '../pack/failure.ts'

/** What Dawn's binding gives: the maker of `navigator.gpu`, and the classes of WebGPU. */
export interface Dawn {
  create: (flags: string[]) => GPU
  globals: object
}

const INSTALL = 'npm install --no-save webgpu@0.6.2'

/** Throws `not-found`, with what to do, where Dawn is not installed or does not load. */
export async function importDawn(name = 'webgpu'): Promise<Dawn> {
  try {
    return (await import(name)) as Dawn
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const missing = message.includes(`package '${name}'`)
    const why = missing ? 'WebGPU is not installed here' : `WebGPU does not load here (${message})`
    throw new AppError('not-found', `${why}; install it with \`${INSTALL}\`, or compute on the processor.`, {
      cause: error,
    })
  }
}

/**
 * Gives Node what a browser has. `flags` are Dawn's own: `adapter=<part of its name>`, `backend=vulkan`,
 * `enable-dawn-features=<toggles>`.
 */
export function provideWebGpu({ create, globals }: Dawn, flags: readonly string[] = []): void {
  Object.assign(globalThis, globals)
  const gpu = create([...flags])
  // A browser tells how much memory there is; where Node has no word for it, the system does.
  const value = { gpu, deviceMemory: Math.round(totalmem() / 2 ** 30) }
  Object.defineProperty(globalThis, 'navigator', { value, configurable: true })
  copySharedBytes(GPUQueue.prototype)
}

/** Dawn's binding refuses views on shared memory, which the memory of ONNX Runtime's WebAssembly is. */
function copySharedBytes(queue: GPUQueue): void {
  // oxlint-disable-next-line typescript/unbound-method -- called on each queue below
  const write = queue.writeBuffer
  const writeBuffer = function (this: GPUQueue, ...args: Parameters<GPUQueue['writeBuffer']>): undefined {
    const [buffer, at, data, from = 0, size] = args
    const bytes = plainBytes(data, from, size)
    write.call(this, buffer, at, bytes, 0, bytes.byteLength)
  }
  Object.defineProperty(queue, 'writeBuffer', { value: writeBuffer, configurable: true })
}

/** Bytes in memory of their own, copied where they are not. `from` and `size` count elements of a typed array, else bytes. */
function plainBytes(data: AllowSharedBufferSource, from: number, size?: number): Uint8Array<ArrayBuffer> {
  const view = ArrayBuffer.isView(data) ? data : new Uint8Array(data)
  const width = 'BYTES_PER_ELEMENT' in view ? Number(view.BYTES_PER_ELEMENT) : 1
  const start = view.byteOffset + from * width
  const length = size === undefined ? view.byteLength - from * width : size * width
  return view.buffer instanceof ArrayBuffer
    ? new Uint8Array(view.buffer, start, length)
    : new Uint8Array(view.buffer, start, length).slice()
}
