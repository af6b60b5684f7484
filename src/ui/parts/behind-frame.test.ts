import { afterEach, expect, it, vi } from 'vitest'
import { behindFrame } from './behind-frame.ts'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

it('Work waits once for a frame, however much changes before it, and again for what changes behind it', () => {
  vi.useFakeTimers()
  let frames: (() => void)[] = []
  vi.stubGlobal('requestAnimationFrame', (work: () => void) => frames.push(work))
  const draw = (): void => {
    const due = frames
    frames = []
    for (const frame of due) frame()
    vi.runAllTimers()
  }
  const work = vi.fn()
  const changed = behindFrame(work)
  for (let i = 0; i < 100; i += 1) changed()
  expect(frames).toHaveLength(1)
  expect(work).not.toHaveBeenCalled()
  draw()
  expect(work).toHaveBeenCalledTimes(1)
  changed()
  draw()
  expect(work).toHaveBeenCalledTimes(2)
})
