import { expect, it } from 'vitest'
import { CAPTION_WORK, probed } from '../../testing/devices.ts'
import { goodManifest } from '../../testing/manifests/manifests.ts'
import { captionWork, predictedSeconds } from '../pack/caption-work.ts'
import { fastestFor, predictionFindings } from './prediction.ts'

it('adds up looking, reading and writing', () => {
  const speed = { flops: 1e12, bytesPerSecond: 1.6e11, launchMs: 0.1 }
  expect(predictedSeconds(CAPTION_WORK, speed, 'webgpu')).toBeCloseTo(0.66 + 0.06 + 12 * (0.01 + 0.04))
  // Quantised weights are widened on the processor.
  expect(predictedSeconds(CAPTION_WORK, speed, 'wasm')).toBeCloseTo(3 * 0.66 + 0.06 + 12 * (25 * 0.01 + 0.04))
})

it('counts more work for more layers, and more bytes for a word', () => {
  const manifest = goodManifest()
  const twice = structuredClone(manifest)
  twice.parts.vision.shape.layers *= 2
  expect(captionWork(twice).flops).toBeGreaterThan(captionWork(manifest).flops)
  expect(captionWork(twice).wordBytes).toBe(captionWork(manifest).wordBytes)
})

it('speaks of the faster device by its name, and of software as such', () => {
  const software = probed(1e9, { adapter: 'llvmpipe', software: true })
  const processor = probed(5e11, { provider: 'wasm', adapter: '' })
  expect(fastestFor(CAPTION_WORK, [software, processor])?.device).toBe(processor)
  expect(predictionFindings(CAPTION_WORK, [processor])).toMatchObject([{ key: 'captionProcessor' }])
  expect(predictionFindings(CAPTION_WORK, [software])).toMatchObject([
    { key: 'captionSoftware', values: { name: 'llvmpipe' } },
  ])
  expect(predictionFindings(CAPTION_WORK, [probed(1e9, { adapter: '' })])).toMatchObject([
    { key: 'captionGraphics' },
  ])
})

it('is no good news where nobody would wait', () => {
  expect(predictionFindings(CAPTION_WORK, [probed(1e13)])).toEqual([
    { ok: true, key: 'captionCard', values: { name: 'a card', seconds: expect.any(Number) as number } },
  ])
  expect(predictionFindings(CAPTION_WORK, [probed(2e10)])[0]).toMatchObject({ ok: true, mixed: true })
  expect(predictionFindings(CAPTION_WORK, [probed(1e9)])[0]?.ok).toBe(false)
  expect(predictionFindings(CAPTION_WORK, [])).toEqual([])
})
