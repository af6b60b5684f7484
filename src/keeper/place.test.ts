import { expect, it } from 'vitest'
import { placeOf } from './place.ts'

it.each([
  [
    'a repository of a hub',
    { address: 'hub:o/resolve@abc', base: 'https://hub.test/mirror/o/resolve/resolve/abc/' },
    {
      server: 'hub.test',
      url: 'https://hub.test/mirror/o/resolve/tree/abc',
      owner: 'o',
      revision: 'abc',
    },
  ],
  [
    'another server, which names no owner',
    { address: 'https://a.test:8443/m/', base: 'https://a.test:8443/m/' },
    { server: 'a.test:8443', url: 'https://a.test:8443/m/', owner: null, revision: null },
  ],
  ['files of this computer', { address: null, base: null }, null],
  ['a record of something else', { address: 'x', base: 'javascript:alert(1)' }, null],
])('Where a model came from: %s', (_, origin, place) => {
  expect(placeOf(origin)).toEqual(place)
})
