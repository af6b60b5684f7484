/** A decoder run by ONNX Runtime: its graph, and where that works its recorded step of one token. */
import { decoder as treaty, POSITION_OFFSET } from '../../pack/parts.ts'
import { AppError } from '../../pack/failure.ts'
import type { Runtime } from '../ort/runtime.ts'
import type { Session } from '../ort/session.ts'
import { disposeTensors, type DeviceTensor } from '../ort/tensor.ts'
import { range, type DecoderRun, type DecoderRuns } from './decoder-parts.ts'
import type { KvCache } from './kv-cache.ts'
import type { Logits } from './language-model.ts'
import type { OneTokenStep } from './one-token-step.ts'

export class GraphRuns implements DecoderRuns {
  readonly #runtime: Runtime
  readonly #session: Session
  readonly #step: OneTokenStep | null
  #usesRecordings = true

  /** Takes over session and step; without a step nothing is recorded. */
  constructor(runtime: Runtime, session: Session, step: OneTokenStep | null) {
    this.#runtime = runtime
    this.#session = session
    this.#step = step
  }

  get records(): boolean {
    return this.#step !== null
  }

  useRecordings(use: boolean): void {
    this.#usesRecordings = use
  }

  run(cache: KvCache, run: DecoderRun): Promise<Logits> {
    const { tokens, rows, batch } = run
    const [token] = tokens
    const [past = 0] = run.past
    if (this.#step !== null && this.#usesRecordings && batch * rows.length === 1 && token !== undefined)
      return this.#step.run(cache, token, past)
    return this.#plain(cache, run)
  }

  async dispose(): Promise<void> {
    this.#step?.dispose()
    await this.#session.dispose()
  }

  async #plain(cache: KvCache, step: DecoderRun): Promise<Logits> {
    const runtime = this.#runtime
    const { records } = this.#session
    const { batch, rows, past } = step
    const { input } = treaty
    const own = {
      [input.tokens]: runtime.int64(step.tokens, [batch, step.tokens.length / batch]),
      [input.rows]: runtime.int64(rows),
      [input.positions]: runtime.int64(
        past.flatMap((length) => range(length, length + rows.length)).map((at) => at + POSITION_OFFSET),
        [batch, rows.length],
      ),
      [input.logitRows]: runtime.int64(step.logitRows),
      // Where steps are recorded, attention wants its lengths on the GPU in every run.
      [input.lastPosition]: runtime.int32(
        past.map((length) => length + rows.length - 1),
        records,
      ),
      [input.totalLength]: runtime.int32([Math.max(...past) + rows.length], records),
    }
    try {
      const feeds = { ...own, [input.queries]: step.queries, ...cache.past() }
      const { [treaty.output.logits]: wanted, ...present } = await this.#session.run(feeds, cache.into())
      cache.keep(present)
      return await readAndDispose(wanted)
    } finally {
      disposeTensors(own)
    }
  }
}

async function readAndDispose(tensor: DeviceTensor | undefined): Promise<Logits> {
  if (tensor === undefined) throw new AppError('bug', 'The decoder returned no logits.')
  try {
    return await tensor.read()
  } finally {
    tensor.dispose()
  }
}
