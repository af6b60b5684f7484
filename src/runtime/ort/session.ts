/** One graph of a pack, ready to run. */
import type { InferenceSession } from 'onnxruntime-common'
import type { Compute } from '../device/compute.ts'
import type { Ort } from './build.ts'
import { enqueue, type Attempt } from './queue.ts'
import { SessionBuffers } from './session-buffers.ts'
import { innerOf, OwnedTensor, type DeviceTensor } from './tensor.ts'
import type { WeightsFile } from './weights/readable.ts'

export interface SessionOptions {
  graph: Uint8Array<ArrayBuffer>
  /** The weights file that the graph refers to. None: no such file. */
  weights?: WeightsFile
  /** Outputs that stay where they were computed. All others come back to the processor. */
  keepOnDevice: string[]
  /** Record the GPU commands of runs that ask for it, to be sent again without ONNX Runtime's work between them. */
  recordable?: boolean
}

/** ONNX Runtime's word for a run that is neither recorded nor replayed. */
const NOT_RECORDED = -1

/** How often ONNX Runtime Web 1.30.0 reads `enableGraphCapture` until the session exists. */
const READS_BEFORE_CREATION = 4

export interface SessionParts extends Pick<SessionOptions, 'graph' | 'keepOnDevice'> {
  ort: Ort
  device: Compute['device']
  attempt: Attempt
  externalData: WeightsFile[]
  recordable: boolean
}

export class Session {
  /** Runs may be recorded. */
  readonly records: boolean
  readonly #inner: InferenceSession
  readonly #attempt: Attempt
  readonly #buffers: SessionBuffers

  private constructor(
    inner: InferenceSession,
    attempt: Attempt,
    { records, buffers }: { records: boolean; buffers: SessionBuffers },
  ) {
    this.#inner = inner
    this.#attempt = attempt
    this.records = records
    this.#buffers = buffers
  }

  /** Through `Runtime.session`. */
  static async open(parts: SessionParts): Promise<Session> {
    const { ort, device, attempt, graph, keepOnDevice, externalData, recordable } = parts
    const location = Object.fromEntries(keepOnDevice.map((name) => [name, 'gpu-buffer' as const]))
    const options: InferenceSession.SessionOptions = {
      executionProviders:
        device === null ? ['wasm'] : [{ name: 'webgpu', device, validationMode: 'basic' } as const],
      externalData,
      logSeverityLevel: 3,
      ...(device !== null && { preferredOutputLocation: location }),
    }
    const records = recordable && device !== null
    const buffers = new SessionBuffers(device)
    const inner = await attempt(() =>
      buffers.during(() => ort.InferenceSession.create(graph, records ? withRecording(options) : options)),
    )
    return new Session(inner, attempt, { records, buffers })
  }

  /**
   * Runs the graph. `into` gives outputs a tensor to be written to instead of a new one; those are not returned.
   * The caller owns what is returned and goes on owning what it fed. A run with a `recording` is recorded the first
   * time and replayed from then on: it needs the very same tensors each time, all of them on the GPU, and all outputs
   * in `into`.
   */
  async run(
    feeds: Record<string, DeviceTensor>,
    into: Record<string, DeviceTensor> = {},
    recording: number = NOT_RECORDED,
  ): Promise<Record<string, DeviceTensor>> {
    const fetches = Object.fromEntries(
      this.#inner.outputNames.map((name) => [name, into[name] === undefined ? null : innerOf(into[name])]),
    )
    const inner = Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, innerOf(tensor)]))
    const options = this.records ? { extra: { gpu_graph_id: String(recording) } } : {}
    const results = await this.#attempt(() => this.#inner.run(inner, fetches, options))
    return Object.fromEntries(
      Object.entries(results)
        .filter(([name]) => into[name] === undefined)
        .map(([name, tensor]) => [name, new OwnedTensor(tensor, this.#attempt)]),
    )
  }

  async dispose(): Promise<void> {
    await enqueue(() => this.#inner.release())
    this.#buffers.destroy()
  }
}

/**
 * `enableGraphCapture` for ONNX Runtime's core, which then records a run when its options say so, but not for its
 * JavaScript side, which would from then on insist on one fixed set of GPU buffers for every run and so forbid a prompt
 * of any other length (ort-web 1.30.0; `ep.webgpuexecutionprovider.enableGraphCapture` comes too late, issue #32456).
 * The core's reads come first. Whoever opens such a session must see whether it works.
 */
function withRecording(options: InferenceSession.SessionOptions): InferenceSession.SessionOptions {
  let reads = 0
  return Object.defineProperty(options, 'enableGraphCapture', {
    enumerable: true,
    get: () => ((reads += 1) <= READS_BEFORE_CREATION ? true : undefined),
  })
}
