/** For tests of folders that are captioned: pictures that differ, and captions that are there. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import sharp from 'sharp'
import { seededRandom } from '../src/scenes/random.ts'

/** Writes so many small PNG files below `folder`, every third in a folder of its own; every second has a caption. */
export async function makePictures(folder: string, count: number): Promise<void> {
  const random = seededRandom(count)
  for (let i = 1; i <= count; i += 1) {
    const path = join(folder, i % 3 === 0 ? `more/img${i}.png` : `img${i}.png`)
    mkdirSync(dirname(path), { recursive: true })
    const data = Buffer.from(Array.from({ length: 12 * 12 * 3 }, () => Math.floor(256 * random.next())))
    writeFileSync(
      path,
      await sharp(data, { raw: { width: 12, height: 12, channels: 3 } })
        .png()
        .toBuffer(),
    )
    if (i % 2 === 0) writeFileSync(path.replace('.png', '.txt'), `number ${i}`)
  }
}
