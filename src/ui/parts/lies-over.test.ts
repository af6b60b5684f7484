import { afterEach, expect, it, vi } from 'vitest'
import { isForWhatLiesOver } from './lies-over.ts'

/** What has the focus, in the sheet or not. */
class FakeElement extends EventTarget {
  constructor(readonly inSheet: boolean) {
    super()
  }

  closest(): this | null {
    return this.inSheet ? this : null
  }
}

afterEach(() => vi.unstubAllGlobals())

it.each<[string, open: boolean, inSheet: boolean, expected: boolean]>([
  ['a dialog is open and the focus nowhere', true, false, true],
  ['the sheet has the focus', false, true, true],
  ['nothing lies over the page', false, false, false],
])('A key is for what lies over the page, or not, where %s', (_, open, inSheet, expected) => {
  vi.stubGlobal('Element', FakeElement)
  vi.stubGlobal('document', { querySelector: () => (open ? {} : null) })
  expect(isForWhatLiesOver(new FakeElement(inSheet))).toBe(expected)
  expect(isForWhatLiesOver(null)).toBe(open)
})
