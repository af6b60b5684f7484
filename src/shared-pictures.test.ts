import { afterEach, describe, expect, it, vi } from 'vitest'
import { putShared, takeShared } from './shared-pictures.ts'

const SCOPE = 'https://example.org/pictalk/'

/** As much of the browser's cache as is used. */
function cacheInMemory(): CacheStorage {
  const entries = new Map<string, Response>()
  const cache = {
    put: (url: URL, response: Response) => Promise.resolve(entries.set(url.href, response)),
    keys: () => Promise.resolve([...entries.keys()]),
    match: (url: string) => Promise.resolve(entries.get(url)?.clone()),
    delete: (url: string) => Promise.resolve(entries.delete(url)),
  }
  return { open: () => Promise.resolve(cache) } as unknown as CacheStorage
}

function posted(...files: File[]): Request {
  const form = new FormData()
  form.append('title', 'A cat')
  for (const file of files) form.append('pictures', file)
  return new Request(`${SCOPE}share`, { method: 'POST', body: form })
}

afterEach(() => vi.unstubAllGlobals())

describe('Pictures that another app shares', () => {
  it('lead to the page, which takes each once', async () => {
    vi.stubGlobal('caches', cacheInMemory())
    const cat = new File(['bytes of a cat'], 'Katze – süß.png', { type: 'image/png' })
    const response = await putShared(posted(cat, new File(['dog'], 'dog.jpg', { type: 'image/jpeg' })), SCOPE)
    expect([response.status, response.headers.get('location')]).toEqual([303, `${SCOPE}#/`])
    const taken = await takeShared()
    expect(taken.map(({ name }) => name)).toEqual(['Katze – süß.png', 'dog.jpg'])
    expect([taken[0]?.image.type, await taken[0]?.image.text()]).toEqual(['image/png', 'bytes of a cat'])
    expect(await takeShared()).toEqual([])
  })

  it('are given as far as they could be taken, and to one tab only', async () => {
    vi.stubGlobal('caches', cacheInMemory())
    await putShared(posted(new File(['a'], 'a.png'), new File(['b'], 'b.png')), SCOPE)
    const cache = await caches.open('pictalk-shared')
    const match = cache.match.bind(cache)
    let calls = 0
    cache.match = (request) => {
      calls += 1
      return calls === 1 ? match(request) : Promise.reject(new DOMException('Gone.', 'UnknownError'))
    }
    expect((await takeShared()).map(({ name }) => name)).toEqual(['a.png'])
    cache.match = match
    cache.delete = () => Promise.resolve(false)
    expect(await takeShared()).toEqual([])
  })

  it('are none where the browser withholds its caches', async () => {
    vi.stubGlobal('caches', { open: () => Promise.reject(new DOMException('Denied.', 'SecurityError')) })
    expect(await takeShared()).toEqual([])
  })
})
