/**
 * Kills `pictalk batch` at random moments, thirty and more, and looks whether it loses or repeats anything: the folder
 * must be byte for byte what a run makes that was left alone.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { seededRandom } from '../src/scenes/random.ts'
import { makePictures } from '../testing/captioned-folder.ts'
import { bundleCommandLine } from '../testing/command-line.ts'
import { killedRun } from '../testing/kills/batch.ts'

const { values } = parseArgs({
  options: {
    /** In each of two formats. */
    kills: { type: 'string', default: '20' },
    pictures: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
    /** Kills come within so many milliseconds of the start. */
    within: { type: 'string', default: '4000' },
  },
})

const root = await mkdtemp(join(process.env['PICTALK_TMP'] ?? tmpdir(), 'pictalk-batch-kills-'))
const commandLine = await bundleCommandLine()
try {
  const pack = join(root, 'pack')
  const converted = await commandLine.run('convert', '--from', 'models/reference/untied', '--out', pack)
  if (converted.status !== 0) throw new Error(converted.stderr)
  const folder = join(root, 'pictures')
  await makePictures(folder, Number(values.pictures))
  const random = seededRandom(Number(values.seed))
  for (const format of ['txt', 'jsonl']) {
    // Made-up weights may end an answer before its first word, which would be a failure.
    const words = ['--min-new-tokens', '2']
    const flags = ['--recursive', '--existing', 'append', '--format', format, ...words]
    const batch = { program: commandLine.program, pack, folder, work: join(root, format), flags }
    const delays = Array.from(
      { length: Number(values.kills) },
      () => 500 + random.next() * Number(values.within),
    )
    const { kills, late, captioned, differences } = await killedRun(batch, delays)
    console.log(
      `${format}: ${kills} kills, ${late} too late, ${captioned} captions said, ${differences.length} files differ`,
    )
    if (differences.length > 0) process.exitCode = 1
  }
} finally {
  commandLine.remove()
  await rm(root, { recursive: true, force: true })
}
