import { spawn, type ChildProcess } from 'node:child_process'
import {
  closeSync,
  cpSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundleCommandLine, type CommandLine, type Outcome } from '../../testing/command-line.ts'
import { pictalkHere } from '../../testing/command-line-here.ts'
import { folderTree } from './files.ts'
import { openCheckpoint } from '../convert/checkpoint.ts'

const CHECKPOINT = 'models/reference/short-tied'
const PICTURE = 'models/reference/images/shapes-97x61.png'
let folder = ''

let commandLine: CommandLine

function pictalk(...args: string[]): Promise<Outcome> {
  return commandLine.run(...args)
}

const ended = (program: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => program.on('close', resolve))

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pictalk-'))
  commandLine = await bundleCommandLine()
  const { status } = await pictalk(
    'convert',
    '--from',
    CHECKPOINT,
    '--out',
    join(folder, 'pack'),
    '--precision',
    'fp32',
  )
  expect(status).toBe(0)
})
afterAll(() => {
  commandLine.remove()
  rmSync(folder, { recursive: true })
})

describe('pictalk', () => {
  it('captions with one JSON object per picture', async () => {
    const { stdout, status } = await pictalk(
      'caption',
      join(folder, 'pack'),
      PICTURE,
      PICTURE,
      '--max-new-tokens',
      '5',
      '--json',
    )
    expect(status).toBe(0)
    const lines = stdout.trim().split('\n')
    expect(lines).toHaveLength(2)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      image: PICTURE,
      text: expect.any(String) as string,
      token_ids: [71, 71, 71, 276, 276],
      ms: { vision: expect.any(Number) as number, prefill: expect.any(Number) as number },
    })
  })

  it('says under which licence a checkpoint is, when it is converted and whenever it is looked at', async () => {
    const licensed = join(folder, 'licensed')
    cpSync(CHECKPOINT, licensed, { recursive: true })
    writeFileSync(join(licensed, 'README.md'), '---\r\nlicense: other\r\nlicense_name: opt-175b\r\n---\r\n')
    const pack = join(folder, 'licensed-pack')
    const converted = await pictalkHere('convert', '--from', licensed, '--out', pack, '--precision', 'q8')
    const line = expect.stringMatching(/^ {2}licence {6}opt-175b$/m) as string
    expect(converted).toMatchObject({ status: 0, stdout: line })
    expect(await pictalkHere('inspect', pack)).toMatchObject({ status: 0, stdout: line })
  })

  it('says that a pack without a tokenizer writes no text', async () => {
    const bare = join(folder, 'bare')
    cpSync(CHECKPOINT, bare, { recursive: true })
    for (const file of ['tokenizer.json', 'vocab.json', 'merges.txt']) rmSync(join(bare, file))
    const pack = join(folder, 'bare-pack')
    expect((await pictalkHere('convert', '--from', bare, '--out', pack, '--precision', 'fp32')).status).toBe(
      0,
    )
    const { status, stdout, stderr } = await pictalkHere('caption', pack, PICTURE)
    expect([status, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^pictalk: This pack has no tokenizer, .* \[unsupported-model\]\n$/)
  })

  it('holds a conversation, each question the next turn, and reads only what is new', async () => {
    const { stdout, status } = await pictalk(
      'ask',
      join(folder, 'pack'),
      PICTURE,
      ...['--question', 'what is it?', '--question', 'why?', '--beams', '2', '--answers', '2'],
      ...['--length-penalty', '-1', '--no-repeat-ngram', '2', '--max-new-tokens', '5', '--json'],
    )
    expect(status).toBe(0)
    const [first, second] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(first).toMatchObject({
      prompt: 'Question: what is it? Answer:',
      ids: expect.any(Array) as number[],
      scores: [expect.any(Number), expect.any(Number)] as number[],
      tokens_prefilled: 18,
      turns_dropped: 0,
    })
    expect(second?.['prompt']).toBe(
      `Question: what is it? Answer: ${String(first?.['text'])}. Question: why? Answer:`,
    )
    expect(second?.['tokens_prefilled']).toBeLessThan(25)
  })

  it('samples the same answer from the same seed and others from others', async () => {
    const sample = async (seed: string): Promise<string> => {
      const flags = ['--temperature', '1.5', '--seed', seed, '--max-new-tokens', '8', '--json']
      const { stdout } = await pictalkHere('caption', join(folder, 'pack'), PICTURE, ...flags)
      return String((JSON.parse(stdout) as { token_ids: number[] }).token_ids)
    }
    const four = await sample('4')
    expect(await sample('4')).toBe(four)
    expect(await sample('5')).not.toBe(four)
  })

  it('traces every stage', async () => {
    const out = join(folder, 'trace', '..', 'model.safetensors')
    const { status } = await pictalk(
      'trace',
      join(folder, 'pack'),
      PICTURE,
      '--prompt',
      'a photo of',
      '--out',
      out,
    )
    expect(status).toBe(0)
    const { tensors } = await openCheckpoint(folderTree(folder))
    expect(Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape]))).toMatchObject({
      pixel_values: [1, 3, 56, 56],
      image_features: [1, 17, 176],
      query_output: [1, 8, 40],
      query_embeddings: [1, 8, 160],
      logits: [1, 12, 360],
    })
  })

  it('inspects a pack for people and for programs', async () => {
    const people = await pictalkHere('inspect', join(folder, 'pack'))
    expect(people.stdout).toContain('vision.weights')
    const programs = await pictalkHere('inspect', join(folder, 'pack'), '--json')
    expect(JSON.parse(programs.stdout)).toMatchObject({ format: 'pictalk-pack', precision: 'fp32' })
  })

  it('goes on with the other pictures when one is bad', async () => {
    const { stdout, stderr, status } = await pictalk(
      'caption',
      join(folder, 'pack'),
      'testing/images/bad-text.jpg',
      PICTURE,
    )
    expect(status).toBe(1)
    expect(stderr).toMatch(/bad-text\.jpg: This is not a picture.*\[bad-image\]\n$/)
    expect(stdout).toContain(PICTURE)
  })

  it.each<[string, string[], number, RegExp]>([
    ['no command', [], 2, /\[bad-usage\]/],
    ['an unknown command', ['paint'], 2, /unknown command.*\[bad-usage\]/],
    ['a missing option', ['convert', '--from', 'x'], 2, /--out.*\[bad-usage\]/],
    [
      'an unknown precision',
      ['convert', '--from', 'x', '--out', 'y', '--precision', 'q3'],
      2,
      /q3.*\[bad-usage\]/,
    ],
    ['a question that is missing', ['ask', 'x', 'y'], 2, /--question.*\[bad-usage\]/],
    [
      'beams that are sampled',
      ['ask', 'x', 'y', '--question', 'z', '--beams', '2', '--seed', '1'],
      2,
      /sampling.*\[bad-usage\]/,
    ],
    ['a folder that is not there', ['convert', '--from', 'nowhere', '--out', 'y'], 1, /\[not-found\]/],
    ['a folder without a pack', ['inspect', 'src'], 1, /\[not-found\]/],
  ])('refuses %s in one sentence with a code', async (_, args, status, sentence) => {
    const outcome = await pictalkHere(...args)
    expect(outcome.status).toBe(status)
    expect(outcome.stderr.trim().split('\n')).toHaveLength(1)
    expect(outcome.stderr).toMatch(sentence)
    expect(outcome.stdout).toBe('')
  })

  it('ends with that status as a program', async () => {
    const { status, stderr } = await pictalk('ask', 'x', 'y')
    expect([status, stderr]).toEqual([2, (await pictalkHere('ask', 'x', 'y')).stderr])
  })

  it('ends without a word when nobody reads any more, as behind a pipe', async () => {
    const args = [...commandLine.command, 'inspect', join(folder, 'pack'), '--json']
    const child = spawn(process.execPath, args)
    child.stdout.destroy()
    let stderr = ''
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()))
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(141)
    expect(stderr).toBe('')
  })

  it.runIf(existsSync('/dev/full'))(
    'ends with a sentence where its answers cannot be written, as on a full disk',
    async () => {
      const full = openSync('/dev/full', 'w')
      const args = [...commandLine.command, 'inspect', join(folder, 'pack')]
      const said = spawn(process.execPath, args, { stdio: ['ignore', full, 'pipe'] })
      let stderr = ''
      said.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
      expect(await ended(said)).toBe(1)
      expect(stderr).toBe(
        'pictalk: The disk is full: what is said here could not be written; free some space and resume. [no-space]\n',
      )
      const silent = spawn(process.execPath, [...commandLine.command, 'inspect', folder], {
        stdio: ['ignore', 'ignore', full],
      })
      expect(await ended(silent)).toBe(1)
      closeSync(full)
    },
  )

  it('notices a damaged pack', async () => {
    const copy = join(folder, 'damaged')
    cpSync(join(folder, 'pack'), copy, { recursive: true })
    rmSync(join(copy, readdirSync(copy).find((name) => name.startsWith('decoder.weights')) ?? ''))
    const { status, stderr } = await pictalkHere('caption', copy, PICTURE)
    expect(status).toBe(1)
    expect(stderr).toMatch(/\[(not-found|corrupt)\]/)
  })

  it('leaves no pack behind when the checkpoint is refused', async () => {
    const broken = join(folder, 'broken')
    cpSync(CHECKPOINT, broken, { recursive: true })
    const config = JSON.parse(readFileSync(join(broken, 'config.json'), 'utf8')) as {
      num_query_tokens: number
    }
    writeFileSync(join(broken, 'config.json'), JSON.stringify({ ...config, num_query_tokens: 9 }))
    const { status, stderr } = await pictalkHere('convert', '--from', broken, '--out', join(folder, 'none'))
    expect(status).toBe(1)
    expect(stderr).toMatch(/query_tokens has shape.*\[bad-checkpoint\]/)
    expect(() => readdirSync(join(folder, 'none'))).toThrow()
  })
})
