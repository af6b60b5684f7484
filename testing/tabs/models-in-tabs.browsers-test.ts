/**
 * Models that are added in several tabs of a real Chromium at once, while tabs crash, models are deleted and nobody has agreed
 * to anything. What is kept afterwards is read past the page and hashed.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { everythingOf } from '../kills/witness.ts'
import { startFaultServer } from '../servers/fault-server.ts'
import { EARLY, Place, SECOND_HALF, WEIGHTS, type Scene } from './place.ts'

let place: Place
let scene: Scene

beforeAll(async () => {
  place = await Place.open()
})

afterAll(async () => {
  await place.close()
})

beforeEach(async () => {
  scene = await place.scene()
})

afterEach(async () => {
  await scene.close()
})

describe('Two tabs', () => {
  it('a checkpoint is converted once: the second tab sees how far the first one is', async () => {
    const [first, second] = [await scene.tab(), await scene.tab()]
    await second.look(scene.server.origin)
    const release = scene.holdWeights(EARLY)
    await first.add(scene.server.origin)
    await second.agree()
    await second.says('in another tab')
    release()
    await first.isDone()
    await second.isDone()
    await scene.keepsThePackAlone(second)
    expect(scene.server.sent(WEIGHTS)).toBeLessThan(1.5 * scene.bytesOfWeights)
  })

  it('a tab goes on with what another was converting when that one crashes', async () => {
    const [first, second] = [await scene.tab(), await scene.tab()]
    await second.look(scene.server.origin)
    const release = scene.holdWeights(EARLY)
    await first.add(scene.server.origin)
    await second.agree()
    await second.says('in another tab')
    await first.crash()
    release()
    await second.isDone()
    await scene.keepsThePackAlone(second)
  })

  it('what one tab converts another cannot delete, and is told so', async () => {
    const [first, second] = [await scene.tab(), await scene.tab()]
    const release = scene.holdWeights(SECOND_HALF)
    await first.add(scene.server.origin)
    await first.says(/^vision encoder: (.*) of \1$/i)
    await second.reload()
    await second.delete(scene.name)
    await second.says('is being fetched just now; pause or cancel that first')
    release()
    await first.isDone()
    await scene.keepsThePackAlone(second)
    await second.delete(scene.name)
    await expect.poll(async () => everythingOf(second.page)).toMatchObject({ packs: [], chunks: {} })
  })

  it('the same pack comes converted in one tab and ready in the other: one is kept', async () => {
    const pack = await scene.pack()
    const ready = await startFaultServer((path) => pack.get(path))
    try {
      const [first, second] = [await scene.tab(), await scene.tab()]
      const release = scene.holdWeights(EARLY)
      await first.add(scene.server.origin)
      await second.add(ready.origin)
      await second.isDone()
      release()
      await first.isDone()
      await scene.keepsThePackAlone(first)
    } finally {
      await ready.close()
    }
  })
})

describe('One tab', () => {
  it('a checkpoint with a licence of its own is not fetched before somebody agreed to it', async () => {
    const only = await scene.tab()
    await only.look(scene.server.origin)
    await only.says('research-only')
    await only.page.getByRole('checkbox').waitFor()
    expect(await only.accept.isDisabled()).toBe(true)
    await only.accept.dispatchEvent('click')
    await only.page.getByRole('checkbox').press('Enter')
    const looked = scene.server.sent(WEIGHTS)
    expect(looked).toBeLessThan(scene.bytesOfWeights / 2)
    expect(await everythingOf(only.page)).toMatchObject({ packs: [], chunks: {} })
    await only.page.getByRole('checkbox').check()
    await only.accept.click()
    await only.isDone()
    await scene.keepsThePackAlone(only)
    expect(scene.server.sent(WEIGHTS)).toBeGreaterThanOrEqual(scene.bytesOfWeights)
  })
})
