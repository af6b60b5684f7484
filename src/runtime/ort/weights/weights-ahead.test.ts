import { describe, expect, it } from 'vitest'
import type { PackReader } from '../../../pack/manifest.ts'
import { syntheticPack } from '../../../synthetic/pack.ts'
import { WeightsAhead } from './weights-ahead.ts'

const { manifest } = syntheticPack({ size: 'tiny', precision: 'q4', seed: 1 })

/** A pack whose files come when they are let through, and which says what was asked of it. */
function heldPack(): { pack: PackReader; asked: string[]; cut: string[]; give: (path: string) => void } {
  const [asked, cut]: [string[], string[]] = [[], []]
  const waiting = new Map<string, (file: Uint8Array<ArrayBuffer>) => void>()
  const pack: PackReader = {
    manifest,
    file: (path, signal) =>
      new Promise((resolve, reject) => {
        asked.push(path)
        waiting.set(path, resolve)
        signal?.addEventListener('abort', () => {
          cut.push(path)
          reject(new Error(`${path} was cut off`))
        })
      }),
  }
  return { pack, asked, cut, give: (path) => waiting.get(path)?.(new TextEncoder().encode(path)) }
}

describe('weights that are read ahead', () => {
  it('are asked for once, whether they come before they are taken or after', async () => {
    const { pack, asked, give } = heldPack()
    const ahead = new WeightsAhead(pack, undefined)
    ahead.ask('a.weights')
    give('a.weights')
    expect(await ahead.take('a.weights', undefined)).toEqual(new TextEncoder().encode('a.weights'))
    ahead.ask('b.weights')
    const taken = ahead.take('b.weights', undefined)
    give('b.weights')
    await taken
    expect(asked).toEqual(['a.weights', 'b.weights'])
  })

  it('are read anew when they are taken again, and others when they are wanted first', async () => {
    const { pack, asked, give } = heldPack()
    const ahead = new WeightsAhead(pack, undefined)
    ahead.ask('a.weights')
    for (const path of ['b.weights', 'a.weights', 'a.weights']) {
      const taken = ahead.take(path, undefined)
      give(path)
      await taken
    }
    expect(asked).toEqual(['a.weights', 'b.weights', 'a.weights'])
  })

  it('are cut off when nobody takes them any more, unheard', async () => {
    const { pack, cut } = heldPack()
    const ahead = new WeightsAhead(pack, undefined)
    ahead.ask('a.weights')
    ahead.cancel()
    ahead.cancel()
    await Promise.resolve()
    expect(cut).toEqual(['a.weights'])
  })

  it('are not cut off once they are taken', () => {
    const { pack, cut } = heldPack()
    const ahead = new WeightsAhead(pack, undefined)
    ahead.ask('a.weights')
    void ahead.take('a.weights', undefined)
    ahead.cancel()
    expect(cut).toEqual([])
  })

  it('fail whoever takes them, and are cut off when loading is', async () => {
    const { pack } = heldPack()
    const stop = new AbortController()
    const ahead = new WeightsAhead(pack, stop.signal)
    ahead.ask('a.weights')
    const taken = ahead.take('a.weights', undefined)
    stop.abort()
    await expect(taken).rejects.toThrow('a.weights was cut off')
    ahead.ask('b.weights')
    expect(() => ahead.take('b.weights', stop.signal)).toThrow(expect.objectContaining({ code: 'cancelled' }))
  })
})
