/**
 * What a part of a model runs on: ONNX Runtime, or kernels of our own where those compute the same and are as fast as they
 * must be. Made for devices that nobody has seen: what goes wrong with ours leads to ONNX Runtime's in the same load, and is
 * remembered, so that a device on which they failed twice is left in peace. Only a device that went away, or had to be given
 * up, ends the load with `device-lost`: who loads may do it again on a new device, without ours.
 */
import type { KernelFailure, KernelTimes, OwnKernels } from '../../pack/device-report.ts'
import { AppError, type FailureCode } from '../../pack/failure.ts'
import { KernelsFailed } from '../wgsl/gpu/guard.ts'
import type { Disposable } from './disposable.ts'
import type { Judgement, JudgementKey, Judgements, Risk } from './open-parts.ts'

/** What the self-test found out about ours. */
export interface Tried<M> {
  /** Null where it came out otherwise than ONNX Runtime; nothing of it is left then. */
  model: M | null
  /** Milliseconds of a token or a picture; null where that was not measured. */
  ms: number | null
  /** Whether it reduces within subgroups; null where that could not be tried, left out where there is no such choice. */
  subgroups?: boolean | null
  /** How it is spread over workgroups; null where nothing was looked for, left out where there is no such choice. */
  tunings?: Judgement['tunings']
}

export interface TryOptions {
  /** What ONNX Runtime computed. */
  expected: Float32Array<ArrayBuffer>[]
  /** It has passed here before, whole: what may differ today is only how the weights came to the device. */
  known: boolean
  /** What is known of subgroups; where nothing is, both ways are tried. */
  subgroups: boolean | null
  /** What is known of how products are best spread; where nothing is, it is looked for. */
  tunings: Judgement['tunings']
  /** Milliseconds of a token or a picture on ONNX Runtime's. */
  otherMs: number
  /** Told when they fail in use: the device goes away under them, or they cannot be opened again. */
  onFailed: (how: KernelFailure) => void
  /** What is done in this way is written down while `work` lasts. All of that may take the device away belongs in it. */
  atRisk: AtRisk
}

/** As `work`, which runs or compiles kernels of some sort, and may be the last that is heard of the device. */
export type AtRisk = <T>(by: Risk, work: () => Promise<T>) => Promise<T>

/** Both. They are opened one behind the other, never at once. */
export interface Rivals<M> {
  openGraph(why: OwnKernels, times: KernelTimes | null): Promise<M>
  /** What ONNX Runtime computes, and its milliseconds of a token or a picture; it is closed again. */
  judge(): Promise<{ expected: Float32Array<ArrayBuffer>[]; ms: number }>
  /**
   * Opens ours and tests it. Throws `KernelsFailed` or `out-of-memory`, with nothing left behind that the device would give
   * back, and `device-lost` where it went away.
   */
  tryOwn(options: TryOptions): Promise<Tried<M>>
  /** Says of ours, which are used, what was measured. */
  inUse(own: M, times: KernelTimes | null): M
}

/** What a trial of ours is to show, where its outcome is remembered, and what is to be done with its device. */
export interface Trial {
  /** Of what the outcome holds for. */
  key: JudgementKey
  judgements: Judgements | undefined
  /** How many times as fast as ONNX Runtime ours must be; 0: they are used, whatever they take. */
  gain: number
  /**
   * As `work`, which is timed, once no other tab measures the device; it is told where another is at it still. Left out
   * where nobody is to wait for others.
   */
  alone?: (<T>(work: (another: boolean) => Promise<T>) => Promise<T>) | undefined
  /** Lets go of a device on which something still runs that does not come back. */
  giveUpDevice: () => void
  /** Told, while ours are tried, how they will have failed if the device goes away; null when that is over. */
  onTrial: (ifLost: KernelFailure | null) => void
}

/** So often they may fail, or their test come to no end, before they are no longer tried. */
const MOST_FAILURES = 2

/** How kernels run that have given rise to doubt. */
const PLAIN = { subgroups: false, tunings: 'usual' } as const

const NONE_UNFINISHED: Judgement['unfinished'] = { memory: 0, subgroups: 0, tunings: 0 }

/** The one to be used. Rejects `device-lost` where the device went away in the test: to be loaded again on another. */
export async function openBetter<M extends Disposable>(rivals: Rivals<M>, trial: Trial): Promise<M> {
  const { key, judgements, gain, alone = (work) => work(false) } = trial
  const recalled = await judgements?.recall(key)
  // What is known already is not timed. Whoever waited for another tab that found it out is told so, too; and what that one
  // has written down of a test that is under way still is no test that came to no end.
  const { own, against, now } = isSettled(recalled, gain)
    ? await choose(rivals, trial, recalled)
    : await alone(async (another) => {
        const known = (await judgements?.recall(key)) ?? (await judged(rivals))
        return choose(rivals, trial, another ? { ...known, unfinished: NONE_UNFINISHED } : known)
      })
  if (own !== null && against === null) return rivals.inUse(own, timesOf(now))
  await own?.dispose()
  return rivals.openGraph(against ?? 'wrong', timesOf(now))
}

/** What was found out, with ours where they were opened; `against` is why they are not used. */
interface Chosen<M> {
  own: M | null
  against: OwnKernels | null
  now: Judgement
}

/** Tries ours by what is known, unless that speaks against it, and has what comes of it remembered. */
async function choose<M extends Disposable>(
  rivals: Rivals<M>,
  trial: Trial,
  known: Judgement,
): Promise<Chosen<M>> {
  const { key, judgements, gain } = trial
  const keep = async (judgement: Judgement): Promise<void> => judgements?.keep(key, judgement)
  const before = speaksAgainst(known, gain)
  if (before !== null) return { own: null, against: before, now: known }
  let inUse: Judgement | null = null
  const onFailed = (how: KernelFailure): void => {
    if (inUse !== null) void keep(failed(inUse, how))
  }
  const risks = new Risks(known, keep)
  try {
    const tried = await tryOwn(rivals, trial, known, { onFailed, atRisk: risks.at })
    risks.end()
    const now = concluded(known, tried)
    const against = speaksAgainst(now, gain)
    await keep(now)
    if (tried.model !== null && against === null) inUse = now
    return { own: tried.model, against, now }
  } catch (error) {
    risks.end()
    // Cancelled, or a pack that ends early, says nothing of our kernels. A device that went away does.
    if (isLoss(error)) {
      await keep({ ...begun(known, 'memory'), ...PLAIN })
      throw error
    }
    const now = error instanceof KernelsFailed ? failed(known, error.how) : known
    await keep(now)
    if (!(error instanceof KernelsFailed)) throw error
    if (error.how === 'stuck') throw deviceGivenUp(trial)
    return { own: null, against: error.how, now }
  }
}

async function tryOwn<M>(
  rivals: Rivals<M>,
  { onTrial }: Pick<Trial, 'onTrial'>,
  { expected, verdict, times, subgroups, tunings, unfinished }: Judgement,
  told: Pick<TryOptions, 'onFailed' | 'atRisk'>,
): Promise<Tried<M>> {
  onTrial('lost')
  try {
    const tried = await rivals.tryOwn({
      expected,
      known: verdict === 'right',
      subgroups: unfinished.subgroups < MOST_FAILURES ? subgroups : PLAIN.subgroups,
      tunings: unfinished.tunings < MOST_FAILURES ? tunings : PLAIN.tunings,
      otherMs: times.other,
      ...told,
    })
    onTrial(null)
    return tried
  } catch (error) {
    // Who loads hears of the loss by other ways as well, and may ask only then how it came about.
    if (!isLoss(error)) onTrial(null)
    // Caches say so themselves, and no error scope hears of them.
    if (hasCode(error, 'out-of-memory')) throw new KernelsFailed('memory', error)
    throw error
  }
}

/**
 * What is written down of a trial while device or page may go away in it. In between nothing is held against ours: whoever
 * closes a tab while weights are on their way is in no hurry with kernels.
 */
class Risks {
  readonly #known: Judgement
  readonly #keep: (judgement: Judgement) => Promise<void>
  #over = false

  constructor(known: Judgement, keep: (judgement: Judgement) => Promise<void>) {
    this.#known = known
    this.#keep = keep
  }

  readonly at: AtRisk = async (by, work) => {
    await this.#note(begun(this.#known, by))
    try {
      const done = await work()
      await this.#note(this.#known)
      return done
    } catch (error) {
      // What comes back with a complaint left device and page where they are, and something else may be tried now. Of a
      // device that went away, or does not come back, more may still be heard, or nothing: whoever opens this says what counts.
      if (!isLoss(error) && !isStuck(error)) await this.#note(this.#known)
      throw error
    }
  }

  /** Of work that was given up, and comes to its end later, nothing is written any more. */
  end(): void {
    this.#over = true
  }

  async #note(judgement: Judgement): Promise<void> {
    if (!this.#over) await this.#keep(judgement)
  }
}

/** A test in this way comes to no end, unless something else is said. */
function begun(known: Judgement, by: Risk): Judgement {
  return { ...known, unfinished: { ...known.unfinished, [by]: known.unfinished[by] + 1 } }
}

function deviceGivenUp({ onTrial, giveUpDevice }: Trial): AppError {
  onTrial('stuck')
  giveUpDevice()
  return new AppError('device-lost', 'The graphics device did not come back from a test.')
}

/** What a test that came to its end says. What it took is measured once. */
function concluded(
  known: Judgement,
  { model, ms, subgroups = null, tunings = null }: Tried<unknown>,
): Judgement {
  const own = known.verdict === 'right' ? (known.times.own ?? ms) : ms
  const verdict = model === null ? 'wrong' : 'right'
  const times = { ...known.times, own }
  return { ...known, unfinished: NONE_UNFINISHED, verdict, subgroups, tunings, times }
}

async function judged(rivals: Pick<Rivals<unknown>, 'judge'>): Promise<Judgement> {
  const { expected, ms } = await rivals.judge()
  return {
    expected,
    times: { other: ms, own: null },
    subgroups: null,
    tunings: null,
    verdict: null,
    unfinished: NONE_UNFINISHED,
    failures: 0,
    failure: null,
  }
}

/** Whether nothing is left to be timed. */
function isSettled(known: Judgement | undefined, gain: number): known is Judgement {
  return known !== undefined && (known.verdict === 'right' || speaksAgainst(known, gain) !== null)
}

/** Why ours are not even tried, by what is known; null where they are. */
function speaksAgainst(known: Judgement, gain: number): OwnKernels | null {
  const { verdict, times, unfinished, failures, failure } = known
  if (verdict === 'wrong') return 'wrong'
  if (unfinished.memory + failures >= MOST_FAILURES) return failure ?? 'lost'
  return times.own !== null && times.own * gain > times.other ? 'slower' : null
}

/** Whatever it was, the next time kernels run in the plain way. */
function failed(before: Judgement, how: KernelFailure): Judgement {
  return { ...before, failures: before.failures + 1, failure: how, ...PLAIN }
}

function timesOf({ times: { own, other } }: Judgement): KernelTimes | null {
  return own === null ? null : { own, other }
}

function isLoss(error: unknown): boolean {
  return hasCode(error, 'device-lost')
}

function isStuck(error: unknown): boolean {
  return error instanceof KernelsFailed && error.how === 'stuck'
}

function hasCode(error: unknown, code: FailureCode): boolean {
  return error instanceof AppError && error.code === code
}
