import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { makePictures } from '../../testing/captioned-folder.ts'
import { parseShard, WHOLE } from '../studio/shard.ts'
import { batch } from './batch.ts'
import type { BatchFlags } from './batch-work.ts'
import { convertInto } from './convert-into.ts'
import { folderTree } from './files.ts'
import { joinShards } from './join-shards.ts'
import { owningRun } from './own-run.ts'
import type { Run } from './talk.ts'

let root = ''
let pack = ''
let pictures = ''
let folder = ''
let folders = 0

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'pictalk-batch-'))
  pack = join(root, 'pack')
  pictures = join(root, 'pictures')
  await convertInto(pack, folderTree('models/reference/untied'), {
    precision: 'q8',
    name: 'untied',
    signal: new AbortController().signal,
    onProgress: () => undefined,
  })
  await makePictures(pictures, 12)
})
afterAll(() => {
  rmSync(root, { recursive: true })
})
beforeEach(() => {
  folder = join(root, `run${(folders += 1)}`)
  cpSync(pictures, folder, { recursive: true })
})

const FLAGS: BatchFlags = {
  alpha: 'drop',
  provider: 'wasm',
  prompt: '',
  maxNewTokens: 4,
  format: 'txt',
  existing: 'skip',
  shard: WHOLE,
  trigger: '',
  prefix: '',
  suffix: '',
  recursive: true,
}

interface Said {
  printed: string[]
  remarks: string[]
  failed: number
}

/** A whole run in this process; `stopAfter` pictures it is cancelled. */
async function run(
  flags: Partial<BatchFlags>,
  { where = folder, stopAfter = Infinity, model = pack } = {},
): Promise<Said> {
  const stop = new AbortController()
  const said: Said = { printed: [], remarks: [], failed: NaN }
  const talking: Run = {
    signal: stop.signal,
    print: (line) => said.printed.push(line),
    remark: (line) => {
      said.remarks.push(line)
      if (said.remarks.filter((one) => one.startsWith('[')).length === stopAfter) stop.abort()
    },
  }
  const whole = { ...FLAGS, ...flags }
  await owningRun(where, whole.shard, async (journal) => {
    said.failed = await batch({ pack: model, folder: where, journal, flags: whole }, talking)
  }).catch((error: unknown) => {
    if (!stop.signal.aborted) throw error
  })
  return said
}

const textOf = (name: string): string => readFileSync(join(folder, name), 'utf8')

describe('captions of a folder', () => {
  it('lie beside the pictures, in the order of people, and what is broken says why', async () => {
    writeFileSync(join(folder, 'img3.jpg'), 'no picture')
    cpSync(join(folder, 'img1.png'), join(folder, 'img1.b.png'))
    cpSync(join(folder, 'img1.png'), join(folder, 'img10.jpg'))
    writeFileSync(join(folder, 'Thumbs.db'), '')
    const { failed, remarks } = await run({ prefix: 'a view: ', trigger: 'sks' })
    expect(failed).toBe(1)
    expect(remarks.at(-1)).toContain('8 captioned')
    expect(remarks.at(-1)).toContain('6 kept as they were, 1 failed; 7 other files left aside')
    expect(remarks[4]).toContain('img3.jpg: This is not a picture')
    expect(remarks.findIndex((line) => line.includes('img2.png'))).toBeLessThan(
      remarks.findIndex((line) => line.includes('img10.png')),
    )
    // The first of the two has the short name, and what lies there is its.
    expect(textOf('img10.txt')).toBe('number 10')
    expect(textOf('img10.png.txt')).toMatch(/^sks, a view: .+\n$/)
    expect(remarks[0]).toContain('by the whole name')
    expect(textOf('img1.txt')).toMatch(/^sks, a view: .+\n$/)
    expect(textOf('more/img12.txt')).toBe('number 12')
    expect(existsSync(join(folder, '.pictalk'))).toBe(false)
  })

  it.each(['overwrite', 'append', 'prepend'] as const)('%s those that are there', async (existing) => {
    await run({ existing: 'overwrite' }, { where: folder })
    const fresh = textOf('img2.txt').trim()
    writeFileSync(join(folder, 'img2.txt'), 'number 2')
    await run({ existing })
    const expected = { overwrite: fresh, append: `number 2, ${fresh}`, prepend: `${fresh}, number 2` }
    expect(textOf('img2.txt')).toBe(`${expected[existing]}\n`)
  })

  it('may have what is of each picture in its prompt and around its caption', async () => {
    const one = join(folder, 'more')
    rmSync(join(one, 'img3.png'))
    const flags = { existing: 'overwrite', prompt: 'number 6 {caption' } as const
    await run(flags, { where: one })
    const said = textOf('more/img6.txt').trim()
    writeFileSync(join(one, 'img6.txt'), '{caption')
    await run({ ...flags, prompt: 'number 6 {caption}', suffix: ' of {folder} {name}' }, { where: one })
    expect(textOf('more/img6.txt')).toBe(`${said} of more img6\n`)
  })

  it.each(['txt', 'jsonl', 'xmp'] as const)(
    'as %s are the same after a stop and a second start, and nothing is asked of the model twice',
    async (format) => {
      const flags = { format, existing: 'append' } as const
      const alone = join(root, `alone-${format}`)
      cpSync(pictures, alone, { recursive: true })
      await run(flags, { where: alone })
      const first = await run(flags, { stopAfter: 5 })
      const second = await run(flags)
      expect(first.remarks.filter((line) => line.startsWith('['))).toHaveLength(5)
      expect(second.remarks.filter((line) => line.startsWith('['))).toHaveLength(7)
      for (const name of readdirSync(alone, { recursive: true, encoding: 'utf8' }))
        if (/\.\w+$/.test(name)) expect(textOf(name), name).toBe(readFileSync(join(alone, name), 'utf8'))
    },
  )
})

it('A table says which model wrote a caption, and that a person did who edited it', async () => {
  const table = (): Record<string, unknown>[] =>
    JSON.parse(textOf('captions.json')) as Record<string, unknown>[]
  await run({ format: 'json' })
  const [first, second, ...others] = table()
  expect(first).toMatchObject({ model: 'untied, q8', edited: false })
  const mine = { ...second, text: 'mine', edited: true }
  writeFileSync(join(folder, 'captions.json'), JSON.stringify([first, mine, ...others]))
  await run({ format: 'json', existing: 'append' })
  expect(table()[1]).toMatchObject({ edited: true })
  expect(table()[1]?.['text']).toMatch(/^mine, /)
  await run({ format: 'json', existing: 'overwrite' })
  expect(table()[1]).toMatchObject({ edited: false })
})

it('What a killed run had captioned for its table is there for a run with other settings', async () => {
  await run({ format: 'jsonl' }, { stopAfter: 5 })
  // A kill leaves the log alone.
  rmSync(join(folder, 'metadata.jsonl'))
  const { remarks } = await run({ format: 'jsonl', maxNewTokens: 3 }, { stopAfter: 7 })
  expect(remarks.filter((line) => line.endsWith('(kept)'))).toHaveLength(5)
  expect(textOf('metadata.jsonl').trimEnd().split('\n')).toHaveLength(7)
})

it('A caption that cannot be written is a failure of its picture alone, in this run and the next', async () => {
  mkdirSync(join(folder, 'img1.txt.part'))
  const first = await run({}, { stopAfter: 3 })
  expect(first.remarks[0]).toContain('cannot be written')
  const { failed, remarks } = await run({})
  expect(failed).toBe(1)
  expect(remarks.at(-1)).toContain('5 captioned')
})

it.each(['jsonl', 'csv'] as const)('A model that cannot be opened costs no table in %s', async (format) => {
  const own = { jsonl: '{"file_name":"img2.png", "text":"mine"}\n\n', csv: null }[format]
  if (own !== null) writeFileSync(join(folder, 'metadata.jsonl'), own)
  const none = run({ format }, { model: join(root, 'none') })
  await expect(none).rejects.toMatchObject({ code: 'not-found' })
  if (own === null) expect(existsSync(join(folder, `metadata.${format}`))).toBe(false)
  else expect(textOf('metadata.jsonl')).toBe(own)
})

describe('a caption whose line was written and whose file was not', () => {
  /** As a kill between the two leaves it. */
  async function killedBetween(there: string): Promise<void> {
    await run({ existing: 'append' }, { stopAfter: 2 })
    writeFileSync(join(folder, 'img2.txt'), there)
    await run({ existing: 'append' })
  }

  it('is written by the next run', async () => {
    await killedBetween('number 2')
    expect(textOf('img2.txt')).toMatch(/^number 2, .+\n$/)
  })

  it('is written by the next run, whatever format that has itself', async () => {
    await run({ existing: 'append' }, { stopAfter: 2 })
    writeFileSync(join(folder, 'img2.txt'), 'number 2')
    await run({ existing: 'append', format: 'jsonl' }, { stopAfter: 1 })
    expect(textOf('img2.txt')).toMatch(/^number 2, .+\n$/)
    expect(textOf('metadata.jsonl').split('\n')).toHaveLength(2)
  })

  it('is a failure of its picture alone when it cannot be written now either', async () => {
    await run({ existing: 'append' }, { stopAfter: 2 })
    writeFileSync(join(folder, 'img2.txt'), 'number 2')
    mkdirSync(join(folder, 'img2.txt.part'))
    const { failed, remarks } = await run({ existing: 'append' })
    expect(failed).toBe(1)
    expect(remarks[0]).toContain('img2.png: ')
    expect(remarks.at(-1)).toContain('11 captioned')
  })

  it('leaves alone what somebody wrote since', async () => {
    await killedBetween('mine')
    expect(textOf('img2.txt')).toBe('mine')
  })
})

describe('shares of a folder', () => {
  it('together make the table that one run makes', async () => {
    const alone = join(root, 'alone-shares')
    cpSync(pictures, alone, { recursive: true })
    await run({ format: 'jsonl' }, { where: alone })
    for (const share of ['1/3', '3/3', '2/3']) await run({ format: 'jsonl', shard: parseShard(share) })
    const joined = await joinShards(folder, 'jsonl', { bom: false })
    expect(joined).toEqual({ table: 'metadata.jsonl', shards: 3, rows: 12 })
    expect(textOf('metadata.jsonl')).toBe(readFileSync(join(alone, 'metadata.jsonl'), 'utf8'))
    expect(readdirSync(folder).filter((name) => name.startsWith('metadata'))).toEqual(['metadata.jsonl'])
  })

  it('are not joined while one is missing', async () => {
    await run({ format: 'csv', shard: parseShard('1/2') })
    await expect(joinShards(folder, 'csv', { bom: false })).rejects.toMatchObject({
      code: 'not-found',
      message: 'The share 2/2 of metadata.csv is missing; run it first.',
    })
  })

  it('leave no folder of theirs, whichever of them ends last', async () => {
    let [begin, end] = [(): void => undefined, (): void => undefined]
    const begun = new Promise<void>((resolve) => (begin = resolve))
    const ended = new Promise<void>((resolve) => (end = resolve))
    const first = owningRun(folder, parseShard('1/2'), () => {
      begin()
      return ended
    })
    await begun
    await owningRun(folder, parseShard('2/2'), async () => {
      end()
      await first
    })
    expect(existsSync(join(folder, '.pictalk'))).toBe(false)
  })

  it('work beside each other, and no other run beside them', async () => {
    await owningRun(folder, parseShard('1/2'), async () => {
      await owningRun(folder, parseShard('2/2'), () => Promise.resolve())
      for (const other of ['1/2', '1/3', '1/1'])
        await expect(owningRun(folder, parseShard(other), () => Promise.resolve())).rejects.toMatchObject({
          code: 'busy',
        })
    })
    await owningRun(folder, WHOLE, () => Promise.resolve())
    expect(existsSync(join(folder, '.pictalk'))).toBe(false)
  })
})
