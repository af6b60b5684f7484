import { expect, it } from 'vitest'
import { placeInWindow, WINDOW_BYTES, windowNamed, windowsOf } from './weight-windows.ts'

it.each([
  [0, false],
  [WINDOW_BYTES - 1, false],
  [WINDOW_BYTES, false],
  [6.5e9, false],
  [12, true],
  [6.5e9, true],
])('names what lies at byte %i so that it is found again (float32 form: %s)', (at, widened) => {
  const { location, offset } = placeInWindow('a.weights', at, widened)
  expect(offset).toBeLessThan(2 ** 31)
  const window = windowNamed(location, 'a.weights')
  expect(window).toEqual({ location, widened, start: at - offset })
  expect(windowsOf('a.weights', at + 1)).toContainEqual(window)
})

it('keeps the plain names of what lies near the beginning', () => {
  expect(windowsOf('a.weights', 100).map(({ location }) => location)).toEqual(['a.weights', 'a.weights.f32'])
  expect(windowsOf('a.weights', 3e9).map(({ location, start }) => [location, start / 2 ** 30])).toEqual([
    ['a.weights', 0],
    ['a.weights+1', 2],
    ['a.weights.f32', 0],
    ['a.weights.f32+1', 2],
    ['a.weights.f32+2', 4],
  ])
})

it.each([
  'b.weights',
  'a.weights+',
  'a.weights+0',
  'a.weights+01',
  'a.weights+1e3',
  'a.weights.f32.1',
  'a.weights+1.f32',
])('knows %s as no part of the file', (location) => {
  expect(windowNamed(location, 'a.weights')).toBeNull()
})
