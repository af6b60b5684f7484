import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pictalkHere } from '../../testing/command-line-here.ts'

const CHECKPOINT = 'models/reference/t5-tied-sharded'
const PICTURE = 'models/reference/images/shapes-97x61.png'
/** What this checkpoint begins its answers with: made an ending token, every answer ends before its first word. */
const FIRST_TOKEN = 61

let folder = ''

interface Json {
  [key: string]: unknown
}

function change(path: string, how: (json: Json) => Json): void {
  writeFileSync(path, JSON.stringify(how(JSON.parse(readFileSync(path, 'utf8')) as Json)))
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pictalk-'))
  const checkpoint = join(folder, 'checkpoint')
  cpSync(CHECKPOINT, checkpoint, { recursive: true })
  change(join(checkpoint, 'config.json'), ({ text_config, ...config }) => ({
    ...config,
    text_config: { ...(text_config as Json), eos_token_id: [1, FIRST_TOKEN] },
  }))
  change(join(checkpoint, 'tokenizer_config.json'), ({ added_tokens_decoder, ...config }) => ({
    ...config,
    added_tokens_decoder: {
      ...(added_tokens_decoder as Json),
      [FIRST_TOKEN]: { content: 'Answe', special: true },
    },
  }))
  const { status } = await pictalkHere('convert', '--from', checkpoint, '--out', join(folder, 'pack'))
  expect(status).toBe(0)
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

describe('an answer without a word', () => {
  it('to a question is said in a sentence and by the exit code, and is no part of what follows', async () => {
    const questions = ['--question', 'what is it?', '--question', 'why?']
    const { stdout, stderr, status } = await pictalkHere('ask', join(folder, 'pack'), PICTURE, ...questions)
    expect({ stdout, status }).toEqual({ stdout: '', status: 1 })
    expect(stderr).toBe(
      'pictalk: what is it?: The model ended its answer before its first word. [no-words]\n' +
        'pictalk: why?: The model ended its answer before its first word. [no-words]\n',
    )
    const json = await pictalkHere('ask', join(folder, 'pack'), PICTURE, ...questions, '--json')
    expect(json.status).toBe(0)
    const [, second] = json.stdout.trim().split('\n')
    expect(JSON.parse(second ?? '')).toMatchObject({
      prompt: 'Question: why? Answer:',
      ids: [FIRST_TOKEN],
      text: '',
    })
  })

  it('does not cost the captions of other pictures', async () => {
    const one = await pictalkHere('caption', join(folder, 'pack'), PICTURE)
    expect(one).toEqual({
      status: 1,
      stdout: '',
      stderr: 'pictalk: The model ended its answer before its first word. [no-words]\n',
    })
    const both = await pictalkHere('caption', join(folder, 'pack'), PICTURE, PICTURE)
    expect(both).toMatchObject({ status: 1, stdout: '' })
    expect(both.stderr.split(`${PICTURE}: The model ended`)).toHaveLength(3)
  })

  it('is written as JSON and as a trace, with its ids and exit status 0', async () => {
    const pack = join(folder, 'pack')
    const json = await pictalkHere('caption', pack, PICTURE, '--json')
    expect(json).toMatchObject({ status: 0, stderr: '' })
    expect(JSON.parse(json.stdout)).toMatchObject({ text: '', token_ids: [FIRST_TOKEN], finish: 'end' })
    const out = join(folder, 'trace.safetensors')
    expect(await pictalkHere('trace', pack, PICTURE, '--out', out)).toMatchObject({
      status: 0,
      stderr: '',
    })
    expect(readFileSync(out).includes('token_ids')).toBe(true)
  })

  it('is explained where nothing can be read for want of a tokenizer', async () => {
    const mute = join(folder, 'mute')
    cpSync(join(folder, 'pack'), mute, { recursive: true })
    change(join(mute, 'pack.json'), (manifest) => ({ ...manifest, tokenizer: {} }))
    const { stdout, stderr, status } = await pictalkHere('caption', mute, PICTURE, '--min-new-tokens', '3')
    expect({ stdout, status }).toEqual({ stdout: '', status: 1 })
    expect(stderr).toMatch(/This pack has no tokenizer, so its answers are token ids and no text/)
    const json = await pictalkHere('caption', mute, PICTURE, '--json')
    expect(json).toMatchObject({ status: 0, stderr: '' })
    expect(JSON.parse(json.stdout)).toMatchObject({ text: '', token_ids: [FIRST_TOKEN] })
  })
})
