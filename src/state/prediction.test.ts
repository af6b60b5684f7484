import { expect, it } from 'vitest'
import { goodManifest } from '../../testing/manifests/manifests.ts'
import { captionWork, predictedSeconds } from '../pack/caption-work.ts'
import type { ProbedDevice } from '../protocol/engine-calls.ts'
import { fastestFor, predictionFindings } from './prediction.ts'

const work = { flops: 4e11, lookNodes: 500, wordBytes: 1.5e9, wordNodes: 400, words: 12 }
const device = (change: Partial<ProbedDevice>, flops: number): ProbedDevice => ({
  provider: 'webgpu',
  adapter: 'a card',
  software: false,
  speed: { flops, bytesPerSecond: flops / 10, launchMs: 0.02 },
  ...change,
})

it('adds up looking, reading and writing', () => {
  const speed = { flops: 1e12, bytesPerSecond: 1.5e11, launchMs: 0.1 }
  expect(predictedSeconds(work, speed, 'webgpu')).toBeCloseTo(0.4 + 0.05 + 12 * (0.01 + 0.04))
  // Quantised weights are widened on the processor.
  expect(predictedSeconds(work, speed, 'wasm')).toBeCloseTo(3 * 0.4 + 0.05 + 12 * (25 * 0.01 + 0.04))
})

it('counts more work for more layers, and more bytes for a word', () => {
  const manifest = goodManifest()
  const twice = structuredClone(manifest)
  twice.parts.vision.shape.layers *= 2
  expect(captionWork(twice).flops).toBeGreaterThan(captionWork(manifest).flops)
  expect(captionWork(twice).wordBytes).toBe(captionWork(manifest).wordBytes)
})

it('speaks of the faster device by its name, and of software as such', () => {
  const software = device({ adapter: 'llvmpipe', software: true }, 1e9)
  const processor = device({ provider: 'wasm', adapter: '' }, 5e11)
  expect(fastestFor(work, [software, processor])?.device).toBe(processor)
  expect(predictionFindings(work, [processor])).toMatchObject([{ key: 'captionProcessor' }])
  expect(predictionFindings(work, [software])).toMatchObject([
    { key: 'captionSoftware', values: { name: 'llvmpipe' } },
  ])
  expect(predictionFindings(work, [device({ adapter: '' }, 1e9)])).toMatchObject([{ key: 'captionGraphics' }])
})

it('is no good news where nobody would wait', () => {
  expect(predictionFindings(work, [device({}, 1e13)])).toEqual([
    { ok: true, key: 'captionCard', values: { name: 'a card', seconds: expect.any(Number) as number } },
  ])
  expect(predictionFindings(work, [device({}, 1.2e10)])[0]).toMatchObject({ ok: true, mixed: true })
  expect(predictionFindings(work, [device({}, 1e9)])[0]?.ok).toBe(false)
  expect(predictionFindings(work, [])).toEqual([])
})
