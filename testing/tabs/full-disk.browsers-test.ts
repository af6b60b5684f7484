/** A real Chromium whose profile lies on a disk that fills up while a checkpoint is converted. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { everythingOf } from '../kills/witness.ts'
import { Place, SECOND_HALF, WEIGHTS } from './place.ts'
import { canMount, SmallDisk } from './small-disk.ts'

/** A profile takes some, the checkpoint's pack 5, and the browser gives a page three fifths. */
const MIB = 160

let place: Place

beforeAll(async () => {
  place = await Place.open()
})

afterAll(async () => {
  await place.close()
})

it.runIf(canMount)(
  'no room while converting is said, costs nothing, and it goes on when there is room',
  async () => {
    const disk = new SmallDisk(MIB)
    const scene = await place.sceneOn(disk.folder)
    try {
      const only = await scene.tab()
      const release = scene.holdWeights(SECOND_HALF)
      await only.add(scene.server.origin)
      await only.says(/^vision encoder: (.*) of \1$/i)
      await only.says(/^Q-Former: (.*) of \1$/i)
      const before = await everythingOf(only.page)
      expect(Object.keys(before.chunks)).not.toHaveLength(0)
      disk.fill()
      release()
      await only.says('There is no room left in the storage of this browser')
      // Chromium may open no database while there is not one block left.
      disk.makeRoom()
      const after = await everythingOf(only.page)
      for (const key of Object.keys(before.chunks)) expect(after.chunks[key]).toBe(key)
      expect(after.packs).toMatchObject([expect.stringContaining('"kind":"conversion"')])
      const fetched = scene.server.sent(WEIGHTS)
      await only.resume(scene.name)
      await only.isDone()
      await scene.keepsThePackAlone(only)
      // What had been written was not fetched again.
      expect(scene.server.sent(WEIGHTS) - fetched).toBeLessThan(scene.bytesOfWeights / 2)
    } finally {
      await scene.close()
      disk.close()
    }
  },
)
