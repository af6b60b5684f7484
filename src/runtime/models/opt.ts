/** BLIP-2's language models of the OPT sort: a decoder that reads query embeddings, prompt and answer as one sequence. */
import type { OwnKernels } from '../../pack/device-report.ts'
import { AppError } from '../../pack/failure.ts'
import { cacheType } from '../../pack/model-needs.ts'
import type { TalkBudget } from '../../pack/memory-budget.ts'
import { DecoderOnly } from '../language/decoder-only.ts'
import type { LanguageModel } from '../language/language-model.ts'
import { openOptDecoder, planOptDecoder, type OptOptions, type OptPlan } from '../wgsl/decoder/open-opt.ts'
import { NotForKernels } from '../wgsl/decoder/opt-weights.ts'
import { agrees, judgedLogits, SELF_TEST_VERSION, type JudgedLogits } from '../wgsl/decoder/self-test.ts'
import type { LanguageFamily } from './blip2.ts'
import type { PartFiles, PartsOpener } from './open-parts.ts'

type OptParts = PartsOpener<'blip2-opt'>

/** A device that goes away in the test twice is not tried again: the page would never come to an end. */
const MOST_UNFINISHED = 2

export const opt: LanguageFamily<'blip2-opt'> = {
  parts: ['decoder'],

  async open(parts, budget) {
    const files = await parts.files('decoder')
    const without = leftOut(parts)
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

/** Why kernels of our own are not even tried; null where they are. */
function leftOut({ kernels, runtime: { compute } }: OptParts): OwnKernels | null {
  if (compute.device === null) return 'no-gpu'
  if (kernels === 'never') return 'left-out'
  return compute.software && kernels !== 'always' ? 'software' : null
}

/** Over ONNX Runtime. */
function openGraph(
  { manifest, runtime }: OptParts,
  { context, cacheBytes }: TalkBudget,
  files: PartFiles,
  ownKernels: OwnKernels,
): Promise<DecoderOnly> {
  const { decoder } = manifest.parts
  const { shape } = decoder
  const keepOnDevice = DecoderOnly.deviceOutputs(shape)
  return DecoderOnly.open(runtime, {
    openSession: (recordable) => runtime.session({ ...files, keepOnDevice, recordable }),
    shape,
    cacheType: cacheType(decoder, runtime.compute),
    context: context.positions,
    cacheBytes,
    ownKernels,
  })
}

/**
 * Over our own kernels where they compute what ONNX Runtime does, else over ONNX Runtime. One behind the other: a
 * device that has room for the weights need not have it twice. What ONNX Runtime computed is remembered, so from the
 * second time on it is opened only where ours are not used.
 */
async function openJudged(parts: OptParts, budget: TalkBudget, files: PartFiles): Promise<LanguageModel> {
  const { runtime, manifest, judgements } = parts
  const { decoder } = manifest.parts
  const { shape } = decoder
  const key = judgementKey(parts)
  const known = await judgements?.recall(key)
  const unfinished = known?.unfinished ?? 0
  if (known?.wrong === true || unfinished >= MOST_UNFINISHED) return openGraph(parts, budget, files, 'wrong')
  const plan = planOwn(parts, budget, files)
  if (plan === null) return openGraph(parts, budget, files, 'unfit')
  let expected = known?.logits
  if (expected === undefined) {
    const judge = await openGraph(parts, budget, files, 'unfit')
    try {
      expected = await judgedLogits(runtime, judge, shape)
    } finally {
      await judge.dispose()
    }
  }
  const logits = expected
  const note = async (wrong: boolean, begun: number): Promise<void> =>
    judgements?.keep(key, { logits, wrong, unfinished: begun })
  await note(false, unfinished + 1)
  const own = await openAgreeing(parts, budget, files, { plan, expected: logits }).catch(
    async (error: unknown) => {
      // Only a device that goes away speaks against our kernels.
      if (error instanceof AppError && error.code !== 'device-lost') await note(false, unfinished)
      throw error
    },
  )
  await note(own === 'wrong', 0)
  return typeof own === 'string' ? openGraph(parts, budget, files, own) : own
}

/** Over our own kernels where they give these logits, or why not. */
async function openAgreeing(
  parts: OptParts,
  budget: TalkBudget,
  files: PartFiles,
  { plan, expected }: { plan: OptPlan; expected: JudgedLogits },
): Promise<DecoderOnly | 'unfit' | 'wrong'> {
  const { runtime, manifest } = parts
  const { decoder } = manifest.parts
  const own = await openOwn(parts, ownOptions(parts, budget, files), plan)
  if (own === null) return 'unfit'
  try {
    const type = cacheType(decoder, runtime.compute)
    if (await agrees(runtime, own, { shape: decoder.shape, cacheType: type, expected })) return own
  } catch (error) {
    await own.dispose()
    // What is no number is wrong; anything else is another matter.
    if (error instanceof AppError && error.code === 'bad-pack') return 'wrong'
    throw error
  }
  await own.dispose()
  return 'wrong'
}

/** Weights, device and browser: what a judgement holds for. */
function judgementKey({ manifest, runtime: { compute } }: OptParts): string {
  const { weights } = manifest.parts.decoder
  const hashes = manifest.files.find(({ path }) => path === weights)?.chunks.map(({ sha256 }) => sha256) ?? []
  const device = [compute.adapter, compute.f16 ? 'f16' : 'f32', compute.subgroups ?? '']
  const { navigator } = globalThis as { navigator?: { userAgent?: string } }
  const browser = navigator?.userAgent ?? ''
  return [SELF_TEST_VERSION, ...hashes, ...device, browser].join(' ')
}

function ownOptions(
  { manifest, runtime, signal }: OptParts,
  { context, cacheBytes }: TalkBudget,
  files: PartFiles,
): OptOptions {
  const { decoder } = manifest.parts
  const type = cacheType(decoder, runtime.compute)
  return { ...files, part: decoder, cacheType: type, context: context.positions, cacheBytes, signal }
}

/** Our kernels for this model on this device; null where one of the two is not for them, as far as can be said before. */
function planOwn(parts: OptParts, budget: TalkBudget, files: PartFiles): OptPlan | null {
  const { device } = parts.runtime.compute
  try {
    return device === null ? null : planOptDecoder(device, ownOptions(parts, budget, files))
  } catch (error) {
    if (error instanceof NotForKernels) return null
    throw error
  }
}

/** Null where the device does not take our kernels after all, or has no room for what they need besides the weights. */
async function openOwn(
  { runtime }: OptParts,
  options: OptOptions,
  plan: OptPlan,
): Promise<DecoderOnly | null> {
  try {
    return await runtime.attempt(() => openOptDecoder(runtime, options, plan))
  } catch (error) {
    // A kernel that cannot be compiled is no failure that people can do anything about.
    if (!(error instanceof AppError) || error.code === 'out-of-memory') return null
    throw error
  }
}
