/** Altered side files: our ids and texts beside those of transformers (`models/reference/side_files.py`). */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readTokenizer } from '../../src/convert/tokenizer/read-tokenizer.ts'
import { makeTokenizer, type Tokenizer } from '../../src/runtime/talk/tokenizer.ts'
import { Altered, type Json } from '../checkpoints/altered.ts'

interface Change {
  file: string
  /** Empty: the file is removed. `+` as the last one appends. */
  keys: string[]
  /** Absent: the key is removed. */
  value?: unknown
}

interface Case {
  base: string
  name: string
  changes: Change[]
  ids?: number[][]
  text?: string
  error?: string
}

interface SideFiles {
  prompts: string[]
  answers: Record<string, number[]>
  cases: Case[]
}

const { prompts, answers, cases } = JSON.parse(
  readFileSync('models/reference/side-files.json', 'utf8'),
) as SideFiles

function altered({ base, changes }: Case): Altered {
  const files = new Altered(`models/reference/${base}`)
  for (const change of changes) {
    const last = change.keys.at(-1)
    if (last === undefined) files.remove(change.file)
    else files.json(change.file, (json) => put(json, change, last))
  }
  return files
}

function put(json: Json, { keys, ...change }: Change, last: string): void {
  const target = keys.slice(0, -1).reduce<unknown>((inner, key) => (inner as Json)[key], json)
  if (!('value' in change)) Reflect.deleteProperty(target as Json, last)
  else if (last === '+') (target as unknown[]).push(change.value)
  else (target as Json)[last] = change.value
}

async function open(files: Altered): Promise<Tokenizer> {
  const modelConfig = JSON.parse(files.text('config.json')) as Json
  const { tokenizer, config } = await readTokenizer(files.tree, modelConfig)
  if (tokenizer === undefined) throw new Error('There is no tokenizer.')
  return makeTokenizer(JSON.parse(tokenizer) as Json, JSON.parse(config ?? '{}') as Json)
}

/** Where it is better to refuse than to do as transformers does, and why. */
const REFUSED: Readonly<Record<string, string>> = {
  'short-tied: vocabulary and merges, no special tokens': 'a beginning that was never trained',
  't5-untied: a normaliser': 'dropped without a word',
}

/** Kept where transformers 5 drops it without a word: it is the reference's own, and nearly T5's map. */
const KEPT = 't5-untied: NFKC'

describe('altered side files', () => {
  it.each(cases.map((one) => [`${one.base}: ${one.name}`, one] as const))('%s', async (name, one) => {
    const opening = open(altered(one))
    if (name in REFUSED) {
      await expect(opening).rejects.toMatchObject({
        code: expect.stringMatching(/bad-checkpoint|unsupported-model/) as string,
      })
      return
    }
    const tokenizer = await opening
    if (tokenizer.frame === null) throw new Error('What stands around a prompt was left to the model.')
    const { before, after } = tokenizer.frame
    const ids = prompts.map((prompt) => [...before, ...tokenizer.encode(prompt), ...after])
    const [compared, wanted] = name === KEPT ? [ids.slice(0, -1), one.ids?.slice(0, -1)] : [ids, one.ids]
    expect(compared).toEqual(wanted)
    expect(tokenizer.decode(answers[one.base] ?? []).trim()).toBe(one.text)
  })
})
