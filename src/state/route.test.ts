import { describe, expect, it } from 'vitest'
import { hashOf, parseRoute, type Route } from './route.ts'

describe('An address', () => {
  it.each<[string, Route | null]>([
    ['', null],
    ['#', null],
    ['#/', { place: 'talk', conversation: null }],
    ['#/c/3f2a', { place: 'talk', conversation: '3f2a' }],
    ['#/c/', { place: 'talk', conversation: null }],
    ['#/c/%E0%A4%A', { place: 'talk', conversation: null }],
    ['#/search', { place: 'search' }],
    ['#/studio/anything', { place: 'studio' }],
    ['#/inside', { place: 'inside' }],
    ['#/nowhere', { place: 'talk', conversation: null }],
    ['#nonsense', { place: 'talk', conversation: null }],
  ])('%s leads to %j', (hash, route) => {
    expect(parseRoute(hash)).toEqual(route)
  })

  it('is written as it is read, whatever the id of a conversation', () => {
    const routes: Route[] = [
      { place: 'talk', conversation: null },
      { place: 'talk', conversation: 'a/b #c%' },
      { place: 'search' },
      { place: 'studio' },
    ]
    for (const route of routes) expect(parseRoute(hashOf(route))).toEqual(route)
  })
})
