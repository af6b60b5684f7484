/** Each sentence of an offer once, as people read it, and what it is said of. Good news has a tick, bad news a warning. */
import { expect, it } from 'vitest'
import { CAPTION_WORK, CARD, probed, processor, sentenceOf } from '../../testing/devices.ts'
import { goodManifest } from '../../testing/manifests/manifests.ts'
import { en } from '../messages/en/en.ts'
import type { DeviceMemory } from '../pack/device-memory.ts'
import type { MemoryChoice } from '../pack/device-report.ts'
import type { Finding } from '../protocol/keeper-calls.ts'
import type { ProbedDevice } from '../protocol/engine-calls.ts'
import { predictionFindings } from '../state/prediction.ts'
import { markOf } from '../ui/models/offer-card.tsx'
import { deviceFindings, spaceFindings, type Candidate, type DeviceFacts } from './device-findings.ts'

const SOFTWARE: DeviceFacts = { ...CARD, adapter: 'llvmpipe', memory: { ...CARD.memory, software: true } }

const on = (device: DeviceFacts, change: Partial<DeviceMemory>): DeviceFacts => ({
  ...device,
  memory: { ...device.memory, ...change },
})

/** Of the size of OPT-2.7B unless it is said otherwise; conversations may have 2,048 positions. */
function model(gigabytes = 2.1, largestTensorBytes = 1e8): Candidate {
  const { decoder, ...parts } = goodManifest().parts
  const shape = { ...decoder.shape, layers: 32, heads: 32, cacheHeadSize: 80, positions: 2048 }
  const files = [{ path: 'decoder.weights', bytes: 1e9 * gigabytes }]
  return {
    pack: { ...goodManifest(), parts: { ...parts, decoder: { ...decoder, shape } }, files },
    largestTensorBytes,
  }
}

const said = (device: DeviceFacts, candidate = model(), choice: MemoryChoice = 'auto'): Finding[] =>
  deviceFindings(device, candidate, choice)

/** A caption on a device that computes so many operations a second. */
function caption(change: Partial<ProbedDevice>, flops = 1e13): Finding[] {
  return predictionFindings(CAPTION_WORK, [probed(flops, change)])
}

const TABLE: Record<string, [Finding[], mark: '✓' | '–' | '⚠', sentence: string]> = {
  onProcessor: [
    said(processor()),
    '–',
    'It will run on the processor (WebAssembly), which is slower than a graphics card.',
  ],
  software: [
    said(SOFTWARE),
    '–',
    'WebGPU is computed by the processor here (llvmpipe): there is no graphics card that it could use.',
  ],
  softwareUnnamed: [
    said({ ...SOFTWARE, adapter: '' }),
    '–',
    'WebGPU is computed by the processor here: there is no graphics card that it could use.',
  ],
  tooLargeCard: [
    said(CARD, model(2.1, 3e9)),
    '⚠',
    'Its largest part has 3 GB, and the graphics card takes 2 GB at once; a lower precision may fit.',
  ],
  tooLargeSoftware: [
    said(SOFTWARE, model(2.1, 3e9)),
    '⚠',
    'Its largest part has 3 GB, and the software renderer takes 2 GB at once; a lower precision may fit.',
  ],
  fitsCard: [said(CARD), '✓', 'The graphics card takes every part of it.'],
  fitsSoftware: [said(SOFTWARE), '✓', 'The software renderer takes every part of it.'],
  halfCard: [said(CARD), '✓', 'The graphics card computes in half precision.'],
  halfSoftware: [said(SOFTWARE), '✓', 'The software renderer computes in half precision.'],
  noHalfCard: [
    said({ ...CARD, f16: false }),
    '–',
    'The graphics card lacks half precision (shader-f16), so it computes in full precision, slower.',
  ],
  noHalfSoftware: [
    said({ ...SOFTWARE, f16: false }),
    '–',
    'The software renderer lacks half precision (shader-f16), so it computes in full precision, slower.',
  ],
  weightsWasm: [said(processor()), '✓', 'Its weights take 2.1 GB; WebAssembly holds 3.8 GB.'],
  weightsWasmLittle: [
    said(processor(), model(15)),
    '⚠',
    'Its weights take 15 GB; WebAssembly holds 3.8 GB, which may be too little.',
  ],
  weightsTold: [
    said(CARD),
    '✓',
    'Its weights take 2.1 GB; half of the 8 GiB of memory that the browser tells of is for the model, 4.3 GB.',
  ],
  weightsToldLittle: [
    said(on(CARD, { gib: 2 })),
    '⚠',
    'Its weights take 2.1 GB; half of the 2 GiB of memory that the browser tells of is for the model, 1.1 GB, which may be too little.',
  ],
  weightsAssumed: [
    said(on(CARD, { told: false })),
    '✓',
    'Its weights take 2.1 GB; half of the 8 GiB of memory assumed where a browser does not tell is for the model, 4.3 GB.',
  ],
  weightsAssumedLittle: [
    said(on(CARD, { told: false, gib: 2 })),
    '⚠',
    'Its weights take 2.1 GB; half of the 2 GiB of memory assumed where a browser does not tell is for the model, 1.1 GB, which may be too little.',
  ],
  staysLoaded: [said(CARD), '✓', 'Everything stays loaded.'],
  putAway: [
    said(on(CARD, { gib: 5 })),
    '–',
    'Vision encoder and Q-Former are put away between pictures, to spare memory.',
  ],
  contextModel: [
    said(on(CARD, { gib: 32 })),
    '✓',
    'A conversation may have 2,048 positions, picture included: all that the model can.',
  ],
  contextTried: [
    said({ ...CARD, f16: false }),
    '–',
    'A conversation may have 1,024 positions, picture included, and 2,048 where the graphics card has room for them: that is tried when the model is loaded.',
  ],
  contextMemory: [
    said({ ...CARD, f16: false }, model(), 'spare'),
    '–',
    'A conversation may have 1,024 of 2,048 positions, picture included: as many as fit into half of the memory that the browser reports, beside the model.',
  ],
  contextAssumed: [
    said(on({ ...CARD, f16: false }, { told: false }), model(), 'spare'),
    '–',
    'A conversation may have 1,024 of 2,048 positions, picture included: the browser does not tell its memory, so that of a usual device is assumed, half of it for the model.',
  ],
  contextBuffer: [
    said(on(CARD, { gib: 32, bufferBytes: 4e6 }), model(2.1, 1e6)),
    '–',
    'positions, picture included: as many as fit into one buffer of the device.',
  ],
  contextWasm: [
    said(processor()),
    '–',
    'positions, picture included: as many as WebAssembly can hold beside the model.',
  ],
  room: [spaceFindings(1e10, 2e9), '✓', 'The browser allows 10 GB more, which is enough.'],
  roomLittle: [
    spaceFindings(1e9, 2e9),
    '⚠',
    'The browser allows 1 GB more, but 2 GB are needed. A private window allows little and forgets it.',
  ],
  captionProcessor: [
    caption({ provider: 'wasm' }, 1e10),
    '⚠',
    'A caption would take about 12 minutes on the processor, judged by half a second of trying; half or twice of it may come.',
  ],
  captionCard: [
    caption({}),
    '✓',
    'A caption would take about 1 second on a card, judged by half a second of trying; half or twice of it may come.',
  ],
  captionSoftware: [
    caption({ adapter: 'llvmpipe', software: true }, 2e10),
    '–',
    'A caption would take about 43 seconds on llvmpipe, which is software, judged by half a second of trying; half or twice of it may come.',
  ],
  captionGraphics: [
    caption({ adapter: '' }),
    '✓',
    'A caption would take about 1 second on the graphics card, judged by half a second of trying; half or twice of it may come.',
  ],
}

it('Every sentence of an offer is in the table', () => {
  expect(Object.keys(TABLE).sort()).toEqual(Object.keys(en.models.findings).sort())
})

it.each(Object.entries(TABLE))('An offer says %s', (key, [findings, mark, sentence]) => {
  const found = findings.find((finding) => finding.key === key)
  if (found === undefined)
    throw new Error(`Nothing of ${key}, but ${findings.map((one) => one.key).join(', ')}.`)
  expect(sentenceOf(found)).toContain(sentence)
  expect(markOf(found)).toBe(mark)
})
