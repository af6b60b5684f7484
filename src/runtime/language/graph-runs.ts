/**
 * A decoder run by ONNX Runtime: its graph, and where that works its recorded step of one token. Whether it works is found
 * out when the first such step is wanted: it takes the shaders of a step, which nobody needs to see a picture or read a prompt.
 */
import { decoder as treaty, POSITION_OFFSET } from '../../pack/parts.ts'
import { AppError } from '../../pack/failure.ts'
import type { Runtime } from '../ort/runtime.ts'
import type { Session } from '../ort/session.ts'
import { disposeTensors, type DeviceTensor } from '../ort/tensor.ts'
import { range, type DecoderRun, type DecoderRuns } from './decoder-parts.ts'
import type { KvCache } from './kv-cache.ts'
import type { Logits } from './language-model.ts'
import type { OneTokenStep } from './one-token-step.ts'

/** What it takes to record steps of one token on a device that may not be able to. */
export interface Recording {
  step: OneTokenStep
  /** Whether what is replayed is what was run plainly. */
  comesOutRight: () => Promise<boolean>
  /** A session that records nothing, for when it does not. Asked for when the other is disposed of. */
  openPlain: () => Promise<Session>
}

export class GraphRuns implements DecoderRuns {
  readonly #runtime: Runtime
  /** Null while a session that records nothing is to be opened in place of the first. */
  #session: Session | null
  /** Null where nothing is recorded. */
  #recording: Recording | null
  readonly #openPlain: Recording['openPlain'] | null
  /** Whether recordings have come out right. */
  #isChecked = false
  /** Under way: nothing runs plainly meanwhile, since the session may be another behind it. */
  #checking: Promise<void> | null = null
  /** The other session, while it is made; one for all who wait for it. */
  #opening: Promise<Session> | null = null
  #usesRecordings = true

  /** Takes over session and step. */
  constructor(runtime: Runtime, session: Session, recording: Recording | null) {
    this.#runtime = runtime
    this.#session = session
    this.#recording = recording
    this.#openPlain = recording?.openPlain ?? null
  }

  get records(): boolean | null {
    if (this.#recording === null) return false
    return this.#isChecked ? true : null
  }

  useRecordings(use: boolean): void {
    this.#usesRecordings = use
  }

  async run(cache: KvCache, run: DecoderRun): Promise<Logits> {
    const { tokens, rows, batch } = run
    const [token] = tokens
    const [past = 0] = run.past
    const wanted = this.#usesRecordings && batch * rows.length === 1 && token !== undefined
    if (wanted && (this.#isChecked || (await this.#canRecord())) && this.#recording !== null)
      return this.#recording.step.run(cache, token, past)
    // What comes of it, whoever asked for it hears.
    if (this.#checking !== null) await this.#checking.catch(() => undefined)
    return this.#plain(this.#session ?? (await this.#openedPlainly()), cache, run)
  }

  checkRecording(): Promise<void> {
    if (this.#isChecked || this.#recording === null) return Promise.resolve()
    this.#checking ??= this.#check(this.#recording).finally(() => (this.#checking = null))
    return this.#checking
  }

  async dispose(): Promise<void> {
    await this.#checking?.catch(() => undefined)
    await this.#opening?.catch(() => undefined)
    this.#recording?.step.dispose()
    await this.#session?.dispose()
  }

  async #check({ step, comesOutRight }: Recording): Promise<void> {
    this.#isChecked = await comesOutRight()
    if (this.#isChecked) return
    const before = this.#session
    this.#recording = null
    this.#session = null
    step.dispose()
    // Never both at once: each has all weights.
    await before?.dispose()
    await this.#openedPlainly()
  }

  #openedPlainly(): Promise<Session> {
    const opened = async (): Promise<Session> => {
      if (this.#openPlain === null) throw new AppError('bug', 'The decoder has no session.')
      this.#session = await this.#openPlain()
      return this.#session
    }
    this.#opening ??= opened().finally(() => (this.#opening = null))
    return this.#opening
  }

  /** Where there is no memory just now to find out, nothing is recorded just now. */
  async #canRecord(): Promise<boolean> {
    try {
      await this.checkRecording()
    } catch (error) {
      if (!(error instanceof AppError && error.code === 'out-of-memory')) throw error
    }
    return this.#isChecked
  }

  async #plain(session: Session, cache: KvCache, step: DecoderRun): Promise<Logits> {
    const runtime = this.#runtime
    const { records } = session
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
      const { [treaty.output.logits]: wanted, ...present } = await session.run(feeds, cache.into())
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
