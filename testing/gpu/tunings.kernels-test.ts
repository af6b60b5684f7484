/** A decoder whose products are spread in each of the ways that loading may choose from. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { asFamily } from '../../src/pack/manifest.ts'
import { cacheType } from '../../src/pack/model-needs.ts'
import type { Compute } from '../../src/runtime/device/compute.ts'
import { openCompute } from '../../src/runtime/device/open-compute.ts'
import { Runtime } from '../../src/runtime/ort/runtime.ts'
import { LAYER_PRODUCTS } from '../../src/runtime/wgsl/decoder/layout.ts'
import { openOptDecoder, planOptDecoder, type OwnDecoder } from '../../src/runtime/wgsl/decoder/open-opt.ts'
import type { OptKernels } from '../../src/runtime/wgsl/decoder/opt-kernels.ts'
import { givesLogits, judgedLogits } from '../../src/runtime/wgsl/decoder/self-test.ts'
import { fastestTunings } from '../../src/runtime/wgsl/decoder/tuner.ts'
import type { Together } from '../../src/runtime/wgsl/gpu/together.ts'
import { syntheticPack } from '../../src/synthetic/pack.ts'
import { optOptions } from './part-files.ts'

let card: Compute
let runtime: Runtime
let kernels: OptKernels
let own: OwnDecoder
const complaints: string[] = []
/** As wide as the narrowest of real ones, so that there is something to choose from. */
const pack = syntheticPack({ size: 'mini', precision: 'q4', seed: 1 })
const part = asFamily(pack.manifest, 'blip2-opt').parts.decoder
const { shape } = part

beforeAll(async () => {
  card = await openCompute('webgpu', { subgroups: true })
  if (card.device === null) throw new Error('There is no GPU.')
  card.device.addEventListener('uncapturederror', ({ error }) => complaints.push(error.message))
  runtime = await Runtime.open(card)
  const options = await optOptions(pack, card)
  const plan = planOptDecoder(card.device, options)
  kernels = plan.kernels
  own = await openOptDecoder(runtime, options, plan)
}, 300_000)
afterAll(async () => {
  await own.language.dispose()
  card.device?.destroy()
  expect(complaints).toEqual([])
})

it.each<Together>(['memory', 'subgroups'])('computes the same in every way, by %s', async (by) => {
  if (by === 'subgroups' && !kernels.haveSubgroups) return
  await own.useKernels('memory')
  const expected = await judgedLogits(runtime, own.language, shape)
  const test = { shape, cacheType: cacheType(part, card), expected }
  const most = Math.max(...LAYER_PRODUCTS.map((name) => kernels.tuningsOf(name).length))
  expect(most).toBeGreaterThan(2)
  for (let i = 0; i < most; i += 1) {
    const tunings = { ...kernels.usualTunings }
    for (const name of LAYER_PRODUCTS) {
      const ways = kernels.tuningsOf(name)
      tunings[name] = ways[i % ways.length] ?? tunings[name]
    }
    await own.useKernels(by, tunings)
    expect(await givesLogits(runtime, own.language, test), JSON.stringify(tunings)).toBe(true)
  }
})

it('is timed in every way, and computes as before behind it', async () => {
  await own.useKernels('memory')
  const expected = await judgedLogits(runtime, own.language, shape)
  const test = { shape, cacheType: cacheType(part, card), expected }
  const found = await fastestTunings({ kernels, runs: own.runs, together: 'memory' })
  await own.useKernels('memory', found ?? undefined)
  expect(await givesLogits(runtime, own.language, test)).toBe(true)
})
