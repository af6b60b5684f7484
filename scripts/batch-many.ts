/**
 * Many made-up pictures through `pictalk batch` on the built-in model: pictures a minute and the memory of its process as
 * the run goes on. With `--alone` the same pictures are captioned one by one, too, and the captions must be the same.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import sharp from 'sharp'
import { drawScene } from '../src/scenes/draw.ts'
import { FIRST_HELD_OUT_SEED, makeScene } from '../src/scenes/scene.ts'
import { bundleCommandLine } from '../testing/command-line.ts'

const { values } = parseArgs({
  options: {
    pictures: { type: 'string', default: '10000' },
    alone: { type: 'boolean', default: false },
    /** Seconds between two lines. */
    every: { type: 'string', default: '60' },
  },
})
const count = Number(values.pictures)
const root = await mkdtemp(join(process.env['PICTALK_TMP'] ?? tmpdir(), 'pictalk-batch-many-'))
const folder = join(root, 'pictures')
const names = Array.from({ length: count }, (_, i) => `img${i + 1}`)

interface Watched {
  lines: string[]
  seconds: number
}

/** Runs the command line, and says now and then how far it is and what memory it holds. */
async function watched(args: readonly string[], isDone: (line: string) => boolean): Promise<Watched> {
  const child = spawn(process.execPath, [commandLine.program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [lines, began] = [[] as string[], performance.now()]
  let [done, firstAt] = [0, NaN]
  for (const stream of [child.stdout, child.stderr]) {
    let rest = ''
    stream.on('data', (data: Buffer) => {
      const whole = `${rest}${data.toString()}`.split('\n')
      rest = whole.pop() ?? ''
      lines.push(...whole)
      done += whole.filter(isDone).length
      if (done > 0 && Number.isNaN(firstAt)) firstAt = performance.now()
    })
  }
  const tell = async (): Promise<void> => {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '')
    const [, resident = '0'] = /VmRSS:\s+(\d+)/.exec(status) ?? []
    const pace = (60_000 * done) / (performance.now() - firstAt)
    const seconds = ((performance.now() - began) / 1000).toFixed(0)
    console.log(
      `${seconds} s: ${done} pictures, ${pace.toFixed(0)} a minute, ${(Number(resident) / 1024).toFixed(0)} MB`,
    )
  }
  const timer = setInterval(() => void tell(), 1000 * Number(values.every))
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  clearInterval(timer)
  if (code !== 0) throw new Error(`It ended with ${code}: ${lines.at(-1) ?? ''}`)
  return { lines, seconds: (performance.now() - firstAt) / 1000 }
}

const commandLine = await bundleCommandLine()
try {
  const pack = join(root, 'pack')
  const converted = await commandLine.run(
    'convert',
    '--from',
    'models/drawn-scenes/checkpoint',
    '--out',
    pack,
  )
  if (converted.status !== 0) throw new Error(converted.stderr)
  await mkdir(folder)
  for (const [i, name] of names.entries()) {
    const drawn = Buffer.from(drawScene(makeScene(FIRST_HELD_OUT_SEED + i, 'trained')))
    await sharp(drawn)
      .png()
      .toFile(join(folder, `${name}.png`))
  }
  const together = await watched(['batch', pack, folder], (line) => line.startsWith('['))
  console.log(
    `rows together: ${((60 * count) / together.seconds).toFixed(0)} a minute; ${together.lines.at(-1)}`,
  )
  const captions = new Map<string, string>()
  for (const name of names) {
    const sidecar = join(folder, `${name}.txt`)
    captions.set(name, existsSync(sidecar) ? (await readFile(sidecar, 'utf8')).trim() : '')
  }
  const written = [...captions.values()].filter((text) => text !== '').length
  if (written < count) throw new Error(`${count - written} pictures have no caption.`)
  if (values.alone) {
    const images = names.map((name) => join(folder, `${name}.png`))
    const alone = await watched(['caption', pack, ...images], (line) => line.includes('.png: '))
    const others = names.filter((name, i) => alone.lines[i] !== `${images[i]}: ${captions.get(name)}`)
    console.log(
      `one at a time: ${((60 * count) / alone.seconds).toFixed(0)} a minute; ${others.length} captions differ`,
    )
    if (others.length > 0) process.exitCode = 1
  }
} finally {
  commandLine.remove()
  await rm(root, { recursive: true, force: true })
}
