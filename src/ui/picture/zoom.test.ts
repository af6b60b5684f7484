import { describe, expect, it } from 'vitest'
import { MOST_ZOOM, pinch, wheelFactor, WHOLE, within, zoomAt } from './zoom.ts'

const frame = { width: 800, height: 600 }
const fitted = { width: 600, height: 600 }

describe('Looking closer at a picture', () => {
  it('keeps what lies under the pointer where it is', () => {
    const at = { x: 120, y: -80 }
    const before = { scale: 2, x: 30, y: 10 }
    const after = zoomAt(before, 1.5, at)
    const under = (view: typeof before): number[] => [
      (at.x - view.x) / view.scale,
      (at.y - view.y) / view.scale,
    ]
    expect(under(after)[0]).toBeCloseTo(under(before)[0] ?? NaN)
    expect(under(after)[1]).toBeCloseTo(under(before)[1] ?? NaN)
  })

  it('ends at the whole picture and at the closest look', () => {
    expect(zoomAt(WHOLE, 0.5, { x: 0, y: 0 }).scale).toBe(1)
    expect(zoomAt(WHOLE, 1000, { x: 0, y: 0 }).scale).toBe(MOST_ZOOM)
  })

  it('never moves the picture out of its frame', () => {
    expect(within({ scale: 1, x: 500, y: -500 }, fitted, frame)).toEqual(WHOLE)
    // 1,200 pixels in 800 leave 200 to each side; in 600 they leave 300.
    expect(within({ scale: 2, x: 500, y: -500 }, fitted, frame)).toEqual({ scale: 2, x: 200, y: -300 })
  })

  it('goes closer with a wheel turned away and as far back with one turned towards', () => {
    const closer = wheelFactor({ deltaY: -100, deltaMode: 0 })
    expect(closer).toBeGreaterThan(1)
    expect(closer * wheelFactor({ deltaY: 100, deltaMode: 0 })).toBeCloseTo(1)
    expect(wheelFactor({ deltaY: -3, deltaMode: 1 })).toBeCloseTo(wheelFactor({ deltaY: -48, deltaMode: 0 }))
  })

  it('measures two fingers', () => {
    expect(pinch({ x: 0, y: 0 }, { x: 6, y: 8 })).toEqual({ distance: 10, middle: { x: 3, y: 4 } })
  })
})
