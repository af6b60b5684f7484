/** BLIP-2's language models of the OPT sort: a decoder that reads query embeddings, prompt and answer as one sequence. */
import type { KernelTimes, OwnKernels } from '../../pack/device-report.ts'
import { AppError } from '../../pack/failure.ts'
import { cacheType } from '../../pack/model-needs.ts'
import type { TalkBudget } from '../../pack/memory-budget.ts'
import { DecoderOnly, type DecoderOnlyOptions } from '../language/decoder-only.ts'
import type { LanguageModel } from '../language/language-model.ts'
import type { Runtime } from '../ort/runtime.ts'
import {
  openOptDecoder,
  planOptDecoder,
  type OptOptions,
  type OptPlan,
  type OwnDecoder,
} from '../wgsl/decoder/open-opt.ts'
import {
  agreesInAllElse,
  givesLogits,
  judgedLogits,
  SELF_TEST_VERSION,
  SELF_TEST_WORK,
  tokenMs,
  type Expected,
} from '../wgsl/decoder/self-test.ts'
import type { Tunings } from '../wgsl/decoder/layout.ts'
import { fastestTunings } from '../wgsl/decoder/tuner.ts'
import { within, withoutComplaints } from '../wgsl/gpu/guard.ts'
import type { Together } from '../wgsl/gpu/together.ts'
import type { LanguageFamily } from './blip2.ts'
import type { PartFiles, PartsOpener } from './open-parts.ts'
import { openBetter, type Rivals, type Tried, type TryOptions } from './own-kernels.ts'
import {
  compileLimit,
  fitting,
  leftOut,
  openedAndTested,
  testLimits,
  trialOf,
  whileCompiling,
} from './own-trial.ts'
import { tryWays, type Outcome } from './kernel-ways.ts'

type OptParts = PartsOpener<'blip2-opt'>

export const opt: LanguageFamily<'blip2-opt'> = {
  parts: ['decoder'],

  async open(parts, budget) {
    const files = await parts.files('decoder')
    const without = leftOut(parts, 'decoder')
    return without === null ? openJudged(parts, budget, files) : openGraph(parts, budget, files, without)
  },

  form: ({ parts: { decoder } }) => ({
    promptIds: (ids) => [decoder.shape.bosId, ...ids],
    countedIds: (prompt) => [
      ...decoder.shape.imageTokenIds.flatMap((id) => Array<number>(decoder.shape.queries).fill(id)),
      ...prompt,
    ],
    eosIds: () => decoder.shape.eosIds,
  }),
}

/** Over ONNX Runtime. */
function openGraph(
  parts: OptParts,
  { context, cacheBytes }: TalkBudget,
  { graph, weights }: PartFiles,
  ownKernels: OwnKernels,
): Promise<DecoderOnly> {
  const { manifest, runtime } = parts
  const { decoder } = manifest.parts
  const { shape } = decoder
  const keepOnDevice = DecoderOnly.deviceOutputs(shape)
  return DecoderOnly.open(runtime, {
    openSession: () => runtime.session({ graph, weights, keepOnDevice, recordable: true }),
    openPlain: plainly(parts),
    shape,
    cacheType: cacheType(decoder, runtime.compute),
    context: context.positions,
    cacheBytes,
    ownKernels,
  })
}

/** Opens a session that records nothing, of files that are read again for it: until then nobody holds them. */
function plainly(parts: OptParts): DecoderOnlyOptions['openPlain'] {
  const keepOnDevice = DecoderOnly.deviceOutputs(parts.manifest.parts.decoder.shape)
  return async () => {
    const { graph, weights } = await parts.filesAgain('decoder', undefined)
    return parts.runtime.session({ graph, weights, keepOnDevice })
  }
}

/** Over our own kernels where they are better, else over ONNX Runtime: see `openBetter`. */
async function openJudged(parts: OptParts, budget: TalkBudget, files: PartFiles): Promise<LanguageModel> {
  const { runtime, manifest, signal } = parts
  const { device } = runtime.compute
  const { shape } = manifest.parts.decoder
  const own = ownOptions(parts, budget, files)
  const plan = device === null ? null : fitting(() => planOptDecoder(device, own))
  if (plan === null || device === null) return openGraph(parts, budget, files, 'unfit')
  const rivals: Rivals<DecoderOnly> = {
    openGraph: async (why, times) => withTimes(await openGraph(parts, budget, files, why), times),
    judge: async () => {
      const judge = await openGraph(parts, budget, files, 'unfit')
      try {
        return {
          expected: await judgedLogits(runtime, judge, shape, signal),
          ms: await tokenMs(runtime, judge, shape, { signal }),
        }
      } finally {
        await judge.dispose()
      }
    },
    tryOwn: (options) => tryOwn(parts, own, { device, plan, options }),
    inUse: withTimes,
  }
  return openBetter(rivals, trialOf(parts, 'decoder', { version: SELF_TEST_VERSION, gain: 1, device }))
}

function withTimes(model: DecoderOnly, times: KernelTimes | null): DecoderOnly {
  model.kernelTimes = times
  return model
}

/** Our decoder, opened and tested. What is not used is let go of. */
async function tryOwn(
  { runtime, manifest }: OptParts,
  own: OptOptions,
  { device, plan, options }: { device: GPUDevice; plan: OptPlan; options: TryOptions },
): Promise<Tried<DecoderOnly>> {
  const { shape } = manifest.parts.decoder
  const { known, onFailed, atRisk } = options
  const opening: OptOptions = {
    ...own,
    onLost: () => onFailed('lost'),
    compiled: whileCompiling(known, atRisk),
  }
  const open = (): Promise<OwnDecoder> => runtime.attempt(() => openOptDecoder(runtime, opening, plan))
  const test = { shape, cacheType: own.cacheType, expected: options.expected, signal: own.signal }
  const limits = testLimits(runtime.compute, SELF_TEST_WORK, options.otherMs)
  const tried = (decoder: OwnDecoder): Promise<Outcome> => {
    const trial = { runtime, plan, decoder, test, limits }
    const ways = {
      haveSubgroups: plan.kernels.haveSubgroups,
      useKernels: decoder.useKernels,
      // A software adapter is as fast in one way as in another, and takes seconds to compile each.
      fastestTunings: runtime.compute.software ? undefined : (by: Together) => tuned(trial, by),
      whole: () => testedWhole(trial),
      first: () => testedFirst(trial),
      guarded: <T>(work: () => Promise<T>) => withoutComplaints(device, work, () => Promise.resolve()),
      atRisk,
    }
    return tryWays(ways, options)
  }
  const opened = await openedAndTested(device, open, tried, ({ language }) => language.dispose())
  return opened === null
    ? { model: null, ms: null, subgroups: options.subgroups, tunings: options.tunings }
    : { ...opened.outcome, model: opened.own.language }
}

/** What is tried, and what it is held against. */
interface OwnTrial {
  runtime: Runtime
  plan: OptPlan
  decoder: OwnDecoder
  test: Expected
  limits: ReturnType<typeof testLimits>
}

/** The first prompt and token; null where they come out otherwise. */
function testedFirst({ runtime, decoder, test, limits }: OwnTrial): Promise<true | null> {
  const work = async (): Promise<true | null> =>
    (await givesLogits(runtime, decoder.language, test)) ? true : null
  return within(limits.firstRunsMs, 'stuck', rightNumbers(work))
}

/** Milliseconds of a token behind all of the test; null where something comes out otherwise. */
async function testedWhole(trial: OwnTrial): Promise<number | null> {
  const { runtime, plan, decoder, test, limits } = trial
  const { language, runs } = decoder
  if ((await testedFirst(trial)) === null) return null
  const rest = async (): Promise<number | null> => {
    const right =
      (await splitsRightly(runs, plan, () => givesLogits(runtime, language, test))) &&
      (await agreesInAllElse(runtime, language, test))
    return right ? tokenMs(runtime, language, test.shape, { signal: test.signal }) : null
  }
  return within(limits.testMs, 'stuck', rightNumbers(rest))
}

/**
 * How products are best spread; null where that is as usual. Kernels are compiled on the way, which has a limit of its own:
 * behind that the usual way is used, and the device is not given up for it.
 */
function tuned({ runtime, plan, decoder, test, limits }: OwnTrial, by: Together): Promise<Tunings | null> {
  const { kernels } = plan
  const { runs } = decoder
  const finding = fastestTunings({ kernels, runs, together: by, signal: test.signal })
  return within(compileLimit(runtime.compute) + limits.testMs, 'stuck', finding)
}

/** What is no number is wrong; anything else is another matter. */
async function rightNumbers<T>(work: () => Promise<T | null>): Promise<T | null> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof AppError && error.code === 'bad-pack') return null
    throw error
  }
}

/** Whether split attention passes as well; true where no sequence may be so long that it would be used. */
async function splitsRightly(
  runs: OwnDecoder['runs'],
  { kernels }: OptPlan,
  passes: () => Promise<boolean>,
): Promise<boolean> {
  if (kernels.layout.longAttention() === null) return true
  runs.splitAttention('everywhere')
  try {
    return await passes()
  } finally {
    runs.splitAttention('long')
  }
}

function ownOptions(
  { manifest, runtime, signal }: OptParts,
  { context, cacheBytes }: TalkBudget,
  files: PartFiles,
): OptOptions {
  const { decoder } = manifest.parts
  const type = cacheType(decoder, runtime.compute)
  return {
    ...files,
    compileMs: compileLimit(runtime.compute),
    part: decoder,
    cacheType: type,
    context: context.positions,
    cacheBytes,
    signal,
  }
}
