/** The same decoder on a device that allows a workgroup little: fewer threads, and norms in dispatches of their own. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startGpuProbe } from '../../src/bench/gpu-probe.ts'
import { asFamily } from '../../src/pack/manifest.ts'
import { cacheType } from '../../src/pack/model-needs.ts'
import type { Compute } from '../../src/runtime/device/compute.ts'
import { openCompute } from '../../src/runtime/device/open-compute.ts'
import { queriesFor } from '../../src/runtime/language/rows-check.ts'
import { Runtime } from '../../src/runtime/ort/runtime.ts'
import { OptLayout, type WorkgroupLimits } from '../../src/runtime/wgsl/decoder/layout.ts'
import { openOptDecoder, planOptDecoder, type OwnDecoder } from '../../src/runtime/wgsl/decoder/open-opt.ts'
import { OptKernels } from '../../src/runtime/wgsl/decoder/opt-kernels.ts'
import { agreesInAllElse, givesLogits, judgedLogits } from '../../src/runtime/wgsl/decoder/self-test.ts'
import { readFromDisk } from '../parity/files.ts'
import { convertReference } from '../parity/reference.ts'
import { optOptions } from './part-files.ts'

const probe = startGpuProbe()
let card: Compute
let runtime: Runtime
const pack = await convertReference(readFromDisk, 'short-tied', 'q8')
const part = asFamily(pack.manifest, 'blip2-opt').parts.decoder
const { shape } = part

beforeAll(async () => {
  card = await openCompute('webgpu', { subgroups: true })
  runtime = await Runtime.open(card)
})
afterAll(() => {
  card.device?.destroy()
  probe.stop()
})

/** Within these limits, or those of the device. */
async function open(limits?: WorkgroupLimits): Promise<OwnDecoder> {
  if (card.device === null) throw new Error('There is no GPU.')
  const options = await optOptions(pack, card)
  const { places, kernels } = planOptDecoder(card.device, options)
  if (limits === undefined) return openOptDecoder(runtime, options, { places, kernels })
  const layout = new OptLayout(places, shape, options.cacheType, { context: options.context, limits })
  return openOptDecoder(runtime, options, { places, kernels: new OptKernels(card.device, layout, places) })
}

it('computes the same where norms do not fit into products, in seven dispatches a layer', async () => {
  const usual = await open()
  const expected = await judgedLogits(runtime, usual.language, shape)
  await usual.language.dispose()
  const { language } = await open({ threads: 32, bytes: 32 * 16 })
  const test = { shape, cacheType: cacheType(part, card), expected }
  expect(await givesLogits(runtime, language, test)).toBe(true)
  expect(await agreesInAllElse(runtime, language, test)).toBe(true)
  const sequence = language.start(queriesFor(runtime, shape, 0))
  const before = { ...probe.counts }
  const tokens: number[] = []
  for await (const { token } of sequence.greedy?.([shape.bosId, 5], 4) ?? []) tokens.push(token)
  sequence.dispose()
  expect(tokens).toHaveLength(4)
  // The prompt, then three tokens.
  const prompt = 9 * shape.layers + 2 + 3
  expect(probe.counts.dispatches - before.dispatches).toBe(prompt + 3 * (7 * shape.layers + 4))
  await language.dispose()
})
