/** What five beams cost on our own kernels, counted at the WebGPU interface: no judge is needed for that, so it is soon done. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startGpuProbe } from '../../src/bench/gpu-probe.ts'
import { GREEDY } from '../../src/pack/decoding.ts'
import { asFamily } from '../../src/pack/manifest.ts'
import { generate } from '../../src/runtime/decode/generate.ts'
import type { Compute } from '../../src/runtime/device/compute.ts'
import { openCompute } from '../../src/runtime/device/open-compute.ts'
import { queriesFor } from '../../src/runtime/language/rows-check.ts'
import { Runtime } from '../../src/runtime/ort/runtime.ts'
import { openOptDecoder, planOptDecoder, type OwnDecoder } from '../../src/runtime/wgsl/decoder/open-opt.ts'
import { readFromDisk } from '../parity/files.ts'
import { convertReference } from '../parity/reference.ts'
import { optOptions } from './part-files.ts'

const BEAMS = 5

const probe = startGpuProbe()
const { counts } = probe
let card: Compute
let runtime: Runtime
let decoder: OwnDecoder
const pack = await convertReference(readFromDisk, 'short-tied', 'q8')
const { shape } = asFamily(pack.manifest, 'blip2-opt').parts.decoder

beforeAll(async () => {
  card = await openCompute('webgpu', { subgroups: false })
  if (card.device === null) throw new Error('There is no GPU.')
  runtime = await Runtime.open(card)
  const options = await optOptions(pack, card)
  decoder = await openOptDecoder(runtime, options, planOptDecoder(card.device, options))
})
afterAll(async () => {
  await decoder.language.dispose()
  card.device?.destroy()
  probe.stop()
})

it('asks for the next tokens of five beams in one pass and one submit, and reads no more than the likeliest back', async () => {
  const sequence = decoder.language.start(queriesFor(runtime, shape, 0))
  const settings = { ...GREEDY, beams: BEAMS, maxNewTokens: 6, minNewTokens: 6 }
  const steps = generate(sequence, [shape.bosId, 5], settings, { countedIds: [], eosIds: shape.eosIds })
  const at: (typeof counts)[] = []
  while ((await steps.next()).done !== true) at.push({ ...counts })
  sequence.dispose()
  // Behind the first token the branches are made.
  const [before, ...later] = at.slice(1)
  expect(later).toHaveLength(4)
  const candidates = Math.max(2, 1 + shape.eosIds.length) * BEAMS
  later.forEach((now, i) => {
    const since = (name: keyof typeof counts): number => now[name] - (before?.[name] ?? NaN)
    expect([since('submits'), since('passes')]).toEqual([i + 1, i + 1])
    expect(since('dispatches')).toBe((9 * shape.layers + 6) * (i + 1))
    // A header, ids and logits of the candidates, and those that may not end the answer yet.
    expect(since('bytesRead')).toBe(BEAMS * (16 + 8 * candidates + 4 * shape.eosIds.length) * (i + 1))
  })
})
