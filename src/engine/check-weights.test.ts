import { describe, expect, it, vi } from 'vitest'
import { AppError } from '../pack/failure.ts'
import type { LaterCheck } from '../pack/manifest.ts'
import { checkWeights, mendAll } from './check-weights.ts'
import { WorkTurns } from './work-turns.ts'

type Found = 'good' | 'mended' | AppError

/** A check that finds these, one after the other, and counts how often it was asked. */
function checkOf(...found: Found[]): LaterCheck & { asked: () => number } {
  let asked = 0
  return {
    asked: () => asked,
    next: () => {
      const next = found[asked]
      asked += 1
      return next instanceof AppError ? Promise.reject(next) : Promise.resolve(next ?? 'done')
    },
  }
}

/** `end` lets the turn go that somebody has taken. */
function busy(turns: WorkTurns): { end: () => void } {
  let end: () => void = () => undefined
  void turns.take(() => new Promise<void>((resolve) => (end = resolve)))
  return { end: () => end() }
}

const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))
const NETWORK = new AppError('network', 'There is no connection.')

describe('weights of a loaded model', () => {
  it('are hashed when nobody asks for anything', async () => {
    const later = checkOf('good', 'good')
    const turns = new WorkTurns()
    const work = busy(turns)
    const stop = vi.fn(() => Promise.resolve())
    const checked = checkWeights(later, turns, {
      answered: new AbortController().signal,
      isLoaded: () => true,
      stop,
    })
    await soon()
    expect(later.asked()).toBe(0)
    work.end()
    expect(await checked).toBeNull()
    expect(later.asked()).toBe(3)
    expect(stop).not.toHaveBeenCalled()
  })

  it('are hashed behind the first answer, however much waits behind it', async () => {
    const later = checkOf('good')
    const turns = new WorkTurns()
    busy(turns)
    const answered = new AbortController()
    const stop = vi.fn(() => Promise.resolve())
    const checked = checkWeights(later, turns, { answered: answered.signal, isLoaded: () => true, stop })
    answered.abort()
    expect(await checked).toBeNull()
  })

  it('are let go of in a turn of their own when one is bad, and the rest is mended, too', async () => {
    const later = checkOf('good', 'mended', 'mended', 'good')
    const turns = new WorkTurns()
    const answered = AbortSignal.abort()
    const work = busy(turns)
    const stop = vi.fn(() => Promise.resolve())
    const checked = checkWeights(later, turns, { answered, isLoaded: () => true, stop })
    await soon()
    expect([later.asked(), stop.mock.calls.length]).toEqual([2, 0])
    work.end()
    expect(await checked).toMatchObject({ mended: true, failure: { code: 'corrupt' } })
    expect(stop).toHaveBeenCalledWith(expect.objectContaining({ code: 'corrupt' }))
    expect(later.asked()).toBe(5)
  })

  it('are let go of, too, when they cannot be fetched again, which is said', async () => {
    for (const found of [[NETWORK], ['mended', NETWORK]] as const) {
      const stop = vi.fn(() => Promise.resolve())
      const options = { answered: AbortSignal.abort(), isLoaded: () => true, stop }
      const bad = await checkWeights(checkOf(...found), new WorkTurns(), options)
      expect(bad).toMatchObject({ mended: false, failure: { code: 'corrupt' } })
      expect(bad?.failure.message).toContain('There is no connection.')
      expect(stop).toHaveBeenCalledOnce()
    }
  })

  it('are not hashed any more when another model has taken the place', async () => {
    const later = checkOf('good', 'mended')
    let loaded = true
    const stop = vi.fn(() => Promise.resolve())
    const turns = new WorkTurns()
    const work = busy(turns)
    const checked = checkWeights(later, turns, {
      answered: AbortSignal.abort(),
      isLoaded: () => loaded,
      stop,
    })
    await soon()
    loaded = false
    work.end()
    expect(await checked).toBeNull()
    expect(stop).not.toHaveBeenCalled()
  })
})

it('a model that could not be loaded is worth another try only where something was mended', async () => {
  expect(await mendAll(checkOf('good', 'mended', 'good'))).toBe(true)
  expect(await mendAll(checkOf('good', 'good'))).toBe(false)
  expect(await mendAll(undefined)).toBe(false)
  await expect(mendAll(checkOf('mended', new AppError('corrupt', 'gone')))).rejects.toThrow('gone')
})
