import { afterEach, describe, expect, it, vi } from 'vitest'
import { LIMITS } from '../../conversation/limits.ts'
import { fetchPicture, type FetchedPicture } from './fetch-picture.ts'

const signal = new AbortController().signal
const why = (fetched: FetchedPicture): string => ('refused' in fetched ? fetched.refused.key : '')

afterEach(() => vi.unstubAllGlobals())

function answering(response: Response): void {
  vi.stubGlobal('fetch', () => Promise.resolve(response))
}

describe('A picture from an address', () => {
  it('comes with the name that its address ends in', async () => {
    answering(new Response(new Blob(['bytes'], { type: 'image/png' })))
    const fetched = await fetchPicture(' https://example.org/a/caf%C3%A9.png?size=2 ', signal)
    expect(fetched).toMatchObject({ picture: { name: 'café.png' } })
  })

  it('is refused in words where the server does not let pages read it', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')))
    expect(await fetchPicture('https://example.org/cat.png', signal)).toEqual({
      refused: { key: 'talk:address.refused', values: { host: 'example.org' } },
    })
  })

  it.each([
    ['no address', 'a cat', 'talk:address.noAddress'],
    ['a script', 'javascript:alert(1)', 'talk:address.noAddress'],
    ['a file of this computer', 'file:///cat.png', 'talk:address.noAddress'],
  ])('is refused when it is %s', async (_, text, key) => {
    expect(why(await fetchPicture(text, signal))).toBe(key)
  })

  it('is refused when the server answers with an error, or with a page', async () => {
    answering(new Response('', { status: 404 }))
    expect(why(await fetchPicture('https://example.org/cat.png', signal))).toBe('talk:address.answered')
    answering(new Response('<p>', { headers: { 'content-type': 'text/html' } }))
    expect(why(await fetchPicture('https://example.org/cat.png', signal))).toBe('talk:address.noPicture')
  })

  it('is refused when it turns out too large, whatever was said before', async () => {
    const large = { size: LIMITS.pictureBytes + 1 } as Blob
    answering(Object.assign(new Response('bytes'), { blob: () => Promise.resolve(large) }))
    expect(why(await fetchPicture('https://example.org/cat.png', signal))).toBe('talk:address.tooLarge')
  })

  it('does not go on arriving when its server says that it is too large', async () => {
    const cancel = vi.fn()
    const headers = { 'content-length': String(LIMITS.pictureBytes + 1) }
    answering(new Response(new ReadableStream({ cancel }), { headers }))
    expect(why(await fetchPicture('https://example.org/cat.png', signal))).toBe('talk:address.tooLarge')
    expect(cancel).toHaveBeenCalledOnce()
  })
})
