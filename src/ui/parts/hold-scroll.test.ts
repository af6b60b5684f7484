import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { holdScroll } from './hold-scroll.ts'

/** A window whose frames come when they are asked for. */
class FakeWindow extends EventTarget {
  scrollY = 0
  now = 0
  readonly waiting = new Map<number, () => void>()
  private last = 0

  requestAnimationFrame(work: () => void): number {
    this.last += 1
    this.waiting.set(this.last, work)
    return this.last
  }

  /** Draws so many frames, 60 in a second unless told; `before` is what else moves the page in each of them. */
  draw(frames: number, before: (frame: number) => void = () => undefined, perSecond = 60): void {
    for (let frame = 0; frame < frames; frame += 1) {
      this.now += 1000 / perSecond
      before(frame)
      const due = [...this.waiting.values()]
      this.waiting.clear()
      for (const work of due) work()
    }
  }
}

let page: FakeWindow
const toTop = (): void => void (page.scrollY = 0)

beforeEach(() => {
  page = new FakeWindow()
  vi.spyOn(performance, 'now').mockImplementation(() => page.now)
  vi.stubGlobal('requestAnimationFrame', (work: () => void) => page.requestAnimationFrame(work))
  vi.stubGlobal('cancelAnimationFrame', (id: number) => page.waiting.delete(id))
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page))
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page))
  Object.defineProperty(globalThis, 'scrollY', { configurable: true, get: () => page.scrollY })
})
afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
  Reflect.deleteProperty(globalThis, 'scrollY')
})

describe('A place that is held', () => {
  it('is reached at once', () => {
    page.scrollY = 900
    holdScroll(toTop)
    expect(page.scrollY).toBe(0)
  })

  it('is reached again when a glide that was under way goes on behind it, however late it begins', () => {
    holdScroll(toTop)
    page.draw(60, (frame) => {
      if (frame >= 20 && frame < 50) page.scrollY = 400 + frame
    })
    expect(page.scrollY).toBe(0)
  })

  it('is followed while it moves away', () => {
    let end = 1000
    holdScroll(() => void (page.scrollY = end))
    page.draw(100, (frame) => {
      if (frame < 50) end += 10
    })
    expect(page.scrollY).toBe(1500)
  })

  it('is let go when the page has come to rest', () => {
    holdScroll(toTop)
    page.draw(40)
    expect(page.waiting.size).toBe(0)
    page.draw(10, () => void (page.scrollY = 700))
    expect(page.scrollY).toBe(700)
  })

  it.each([10, 60, 120])('is held for half a second where %i frames are drawn in one', (perSecond) => {
    holdScroll(toTop)
    page.draw(perSecond * 0.4, () => void (page.scrollY = 700), perSecond)
    expect(page.scrollY).toBe(0)
    page.draw(perSecond * 0.6, undefined, perSecond)
    expect(page.waiting.size).toBe(0)
  })

  it.each(['wheel', 'touchstart', 'pointerdown', 'keydown', 'focusin'])(
    'is let go when a %s says that people want to be elsewhere',
    (name) => {
      holdScroll(toTop)
      page.dispatchEvent(new Event(name))
      page.draw(10, () => void (page.scrollY = 700))
      expect(page.scrollY).toBe(700)
    },
  )

  it('is let go by whoever asked for it', () => {
    const giveUp = holdScroll(toTop)
    giveUp()
    page.draw(10, () => void (page.scrollY = 700))
    expect(page.scrollY).toBe(700)
  })
})
