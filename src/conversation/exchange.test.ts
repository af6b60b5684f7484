import { describe, expect, it } from 'vitest'
import { ZipWriter } from '../archive/zip-writer.ts'
import { readDirectory, readEntry } from '../archive/zip-reader.ts'
import { writeArchive } from './archive-file.ts'
import { earlierTurns, shownTurns, titleOf, type Conversation, type SettledAnswer } from './conversation.ts'
import { readExport } from './exchange.ts'
import type { Exported } from './export-format.ts'
import { toKept, toShown } from './kept.ts'
import { LIMITS } from './limits.ts'
import { toMarkdown } from './markdown.ts'
import { contains } from './search.ts'

const MODIFIED = new Date(2026, 10, 27)

const DONE: Extract<SettledAnswer, { status: 'done' }> = {
  status: 'done',
  text: 'a cat',
  tokenIds: [5, 6],
  answers: [{ text: 'a cat', tokenIds: [5, 6], score: -1.5 }],
  facts: {
    finish: 'end',
    lookMs: 1,
    prefillMs: 2,
    decodeMs: 3,
    prefilled: 4,
    dropped: 0,
    model: 'Small, int4',
  },
}
const FAILED: SettledAnswer = {
  status: 'failed',
  text: 'a c',
  failure: { code: 'out-of-memory', message: 'Too large.' },
}

/** Two pictures, a question in two wordings, and one that follows the first of them. */
const CONVERSATION: Conversation = {
  id: 'c',
  changedAt: 1_700_000_000_000,
  pictures: [
    { id: 'p', name: 'cat.png', photograph: true },
    { id: 'q', name: 'dog.png' },
  ],
  turns: [
    { id: 'a', parent: null, question: null, answers: { p: DONE, q: FAILED } },
    { id: 'b', parent: 'a', question: 'what?', answers: { p: DONE, q: DONE } },
    { id: 'b2', parent: 'a', question: 'which?', answers: { p: DONE, q: DONE } },
    { id: 'd', parent: 'b', question: 'why?', answers: { p: DONE, q: DONE } },
  ],
  chosen: { a: 'b' },
}
const PICTURES = {
  p: new Blob(['the cat'], { type: 'image/png' }),
  q: new Blob(['the dog'], { type: 'image/jpeg' }),
}

let ids = 0
const newId = (): string => `new${(ids += 1)}`

const pictureOf = (id: string): Promise<Blob | undefined> =>
  Promise.resolve(id === 'p' || id === 'q' ? PICTURES[id] : undefined)

async function archive(conversations = [CONVERSATION]): Promise<Blob> {
  return (await writeArchive(conversations, pictureOf, { modified: MODIFIED })).file
}

/** The archive with one of its JSON files changed. */
async function archiveWith(path: string, to: (value: unknown) => unknown): Promise<Blob> {
  const file = await archive()
  const zip = new ZipWriter(MODIFIED)
  for (const [name, entry] of await readDirectory(file, 100)) {
    const content = await readEntry(file, entry)
    if (name !== path) await zip.add(name, content)
    else await zip.add(name, new Blob([JSON.stringify(to(JSON.parse(await content.text())))]))
  }
  return zip.finish()
}

function version1(): Record<string, unknown> {
  return {
    format: 'pictalk-conversations',
    version: 1,
    conversations: [CONVERSATION],
    pictures: [
      { id: 'p', type: 'image/png', base64: btoa('the cat') },
      { id: 'q', type: 'image/jpeg', base64: btoa('the dog') },
    ],
  }
}

const jsonFile = (value: unknown): Blob => new Blob([JSON.stringify(value)])

/** With the ids of the original again, found by their place. */
function withOldIds({ conversations: [read] }: Exported): Conversation | undefined {
  if (read === undefined) return undefined
  const old = new Map<string, string>([
    [read.id, 'c'],
    ['', ''],
  ])
  for (const [i, { id }] of read.pictures.entries()) old.set(id, CONVERSATION.pictures[i]?.id ?? '')
  for (const [i, { id }] of read.turns.entries()) old.set(id, CONVERSATION.turns[i]?.id ?? '')
  const ofOld = <T>(values: Record<string, T>): [string, T][] =>
    Object.entries(values).map(([id, value]) => [old.get(id) ?? '?', value])
  return {
    id: 'c',
    changedAt: read.changedAt,
    pictures: read.pictures.map((picture) => ({ ...picture, id: old.get(picture.id) ?? '?' })),
    turns: read.turns.map((turn) => ({
      id: old.get(turn.id) ?? '?',
      parent: turn.parent === null ? null : (old.get(turn.parent) ?? '?'),
      question: turn.question,
      answers: Object.fromEntries(ofOld(turn.answers)),
    })),
    chosen: Object.fromEntries(ofOld(read.chosen).map(([at, id]) => [at, old.get(id) ?? '?'])),
  }
}

describe('an export', () => {
  it.each([
    ['as an archive', archive],
    ['as the JSON text of version 1', () => Promise.resolve(jsonFile(version1()))],
  ])('comes back whole under new ids, %s', async (_, file) => {
    const read = await readExport(await file(), newId)
    expect(withOldIds(read)).toEqual(CONVERSATION)
    const [conversation] = read.conversations
    expect(read.pictures.map(({ id }) => id)).toEqual(conversation?.pictures.map(({ id }) => id))
    expect(read.pictures.map(({ image }) => image.type)).toEqual(['image/png', 'image/jpeg'])
    expect(await Promise.all(read.pictures.map(({ image }) => image.text()))).toEqual(['the cat', 'the dog'])
    for (const { id, turns } of read.conversations)
      for (const one of [id, ...turns.map((turn) => turn.id)]) expect(one).toMatch(/^new/)
  })

  it('goes out without the pictures that are lost, says how many, and comes back all the same', async () => {
    const lost = (id: string): Promise<Blob | undefined> =>
      id === 'p' ? Promise.resolve(PICTURES.p) : Promise.reject(new Error('The file is gone.'))
    const { file, ...written } = await writeArchive([CONVERSATION], lost, { modified: MODIFIED })
    expect(written).toEqual({ pictures: 1, lost: 1 })
    const read = await readExport(file, newId)
    expect(read.pictures).toHaveLength(1)
    expect(withOldIds(read)).toEqual(CONVERSATION)
  })

  it('can be cancelled on the way out and on the way in', async () => {
    const abort = new AbortController()
    const onBytes = (): void => abort.abort()
    const reading = { signal: abort.signal, onBytes }
    await expect(
      writeArchive([CONVERSATION], pictureOf, { modified: MODIFIED, ...reading }),
    ).rejects.toMatchObject({ code: 'cancelled' })
    const again = new AbortController()
    await expect(
      readExport(await archive(), newId, { signal: again.signal, onBytes: () => again.abort() }),
    ).rejects.toMatchObject({ code: 'cancelled' })
  })

  it('is refused when a picture has changed', async () => {
    const bytes = new Uint8Array(await (await archive()).arrayBuffer())
    const at = new TextDecoder('latin1').decode(bytes).indexOf('the dog')
    bytes[at] = 1
    await expect(readExport(new Blob([bytes]), newId)).rejects.toMatchObject({
      code: 'bad-file',
      message: expect.stringContaining('pictures/2.jpg has changed') as string,
    })
  })
})

describe('a file that is no good export', () => {
  it.each([
    ['nothing', ''],
    ['no JSON', 'hello'],
    ['another JSON', '{"format":"else"}'],
    ['a later version', JSON.stringify({ ...version1(), version: 9 })],
    ['JSON nested without end', '['.repeat(1_000_000)],
    ['a missing picture', JSON.stringify({ ...version1(), pictures: [] })],
    ['a conversation without pictures', changed({ pictures: [] })],
    ['turns before what they follow', changed({ turns: CONVERSATION.turns.toReversed() })],
    ['turns in a circle', changed({ turns: [{ ...CONVERSATION.turns[1], id: 'b', parent: 'b' }] })],
    ['a turn twice', changed({ turns: [CONVERSATION.turns[0], CONVERSATION.turns[0]] })],
    ['a picture twice', changed({ pictures: [CONVERSATION.pictures[0], CONVERSATION.pictures[0]] })],
    ['a conversation twice', JSON.stringify({ ...version1(), conversations: [CONVERSATION, CONVERSATION] })],
    ['a name of JavaScript as an id', changed({ id: '__proto__' })],
  ])('is refused in a sentence: %s', async (_, text) => {
    await expect(readExport(new Blob([text]), newId)).rejects.toMatchObject({ code: 'bad-file' })
  })

  it.each([
    ['turns', { turns: LIMITS.turns + 1 }, /10,001 turns in one conversation, and 10,000/],
    ['pictures', { pictures: LIMITS.pictures + 1 }, /1,001 pictures in one conversation/],
    ['characters in a question', { question: LIMITS.text + 1 }, /200,001 characters in one question/],
    ['characters in an answer', { answer: LIMITS.text + 1 }, /200,001 characters in one answer/],
    ['tokens', { tokens: LIMITS.tokens + 1 }, /10,001 tokens in one answer/],
    ['answers', { alternatives: LIMITS.alternatives + 1 }, /101 answers to one question/],
  ])('is refused with its number when it has too many %s', async (_, size, sentence) => {
    await expect(readExport(await sized(size), newId)).rejects.toMatchObject({
      code: 'bad-file',
      message: expect.stringMatching(sentence) as string,
    })
  })

  it('is taken in at each limit', async () => {
    const sizes = [{ turns: LIMITS.turns }, { question: LIMITS.text }, { tokens: LIMITS.tokens }]
    for (const size of sizes)
      expect((await readExport(await sized(size), newId)).conversations).toHaveLength(1)
  })

  it('is refused when it has too many conversations, or too many turns in all', async () => {
    const many = Array.from({ length: LIMITS.conversations + 1 }, (_, i) => ({
      ...CONVERSATION,
      id: `c${i}`,
    }))
    const file = jsonFile({ ...version1(), conversations: many })
    await expect(readExport(file, newId)).rejects.toThrow(/10,001 conversations/)
    // Answers that are missing are made: the file is small, and what comes of it is not.
    const turns = conversationOf({ turns: LIMITS.turns }).turns.map((turn) => ({ ...turn, answers: {} }))
    const large = { ...CONVERSATION, turns, chosen: {} }
    const twenty = Array.from({ length: 21 }, (_, i) => ({ ...large, id: `c${i}` }))
    await expect(readExport(jsonFile({ ...version1(), conversations: twenty }), newId)).rejects.toThrow(
      /210,000 turns/,
    )
  })
})

describe('small damage is mended', () => {
  const mended = async (change: Record<string, unknown>): Promise<Conversation | undefined> =>
    withOldIds(await readExport(new Blob([changed(change)]), newId))

  it('takes answers that are missing or were under way for unfinished, and keeps what had been written', async () => {
    const answers = { p: { status: 'writing', text: 'a ca', tokens: 2 } }
    const conversation = await mended({ turns: [{ id: 'a', parent: null, question: null, answers }] })
    expect(conversation?.turns[0]?.answers).toMatchObject({
      p: { status: 'failed', text: 'a ca', failure: { code: 'cancelled' } },
      q: { status: 'failed', text: '' },
    })
  })

  it('drops answers about unknown pictures and choices that do not exist', async () => {
    const [first] = CONVERSATION.turns
    const conversation = await mended({
      turns: [{ ...first, answers: { ...first?.answers, stranger: DONE } }],
      chosen: { a: 'nobody', nobody: 'a', '': 'a' },
    })
    expect(Object.keys(conversation?.turns[0]?.answers ?? {})).toEqual(['p', 'q'])
    expect(conversation?.chosen).toEqual({ '': 'a' })
  })

  it('puts numbers that are none, negative or without end at nought', async () => {
    const facts = { ...DONE.facts, lookMs: -1, prefillMs: 'x', prefilled: 1.5, dropped: -3, finish: 'never' }
    const answer = { ...DONE, tokenIds: [5, -1, 1.5, null, 2 ** 60], facts }
    const conversation = await mended({
      changedAt: 1e300,
      turns: [{ id: 'a', parent: null, question: null, answers: { p: answer, q: DONE } }],
    })
    expect(Number.isNaN(new Date(conversation?.changedAt ?? NaN).getTime())).toBe(false)
    expect(conversation?.turns[0]?.answers['p']).toMatchObject({
      tokenIds: [5],
      facts: { lookMs: 0, prefillMs: 0, prefilled: 0, dropped: 0, finish: 'end' },
    })
  })

  it('takes out of names what would upset a page', async () => {
    const names = ['\u202egnp.tac\u0000\n', '', 'n'.repeat(1000)]
    for (const [i, expected] of ['gnp.tac', 'Picture', 'n'.repeat(255)].entries()) {
      const conversation = await mended({ pictures: [{ id: 'p', name: names[i] }, CONVERSATION.pictures[1]] })
      expect(conversation?.pictures[0]?.name).toBe(expected)
    }
  })

  it('takes no type of a picture but that of a picture', async () => {
    const pictures = [
      { id: 'p', type: 'text/html', base64: '' },
      { id: 'q', type: 'image/png', base64: '' },
    ]
    const read = await readExport(jsonFile({ ...version1(), pictures }), newId)
    expect(read.pictures.map(({ image }) => image.type)).toEqual(['', 'image/png'])
  })
})

describe('whatever is changed in a good export', () => {
  it.each([
    ['version 1', 9, (mutate: Mutate) => Promise.resolve(jsonFile(mutate(shortened(version1()))))],
    ['the head', 9, (mutate: Mutate) => archiveWith('pictalk.json', mutate)],
    // Deeper down it is the same as in version 1.
    ['a conversation', 2, (mutate: Mutate) => archiveWith('conversations/1.json', mutate)],
  ])('it is refused as a bad file, or what was read is sound: %s', async (which, depth, fileWith) => {
    const paths = new Set<string>()
    await fileWith((root) => (collectPaths(root, [], depth, paths), root))
    let accepted = 0
    for (const path of paths) {
      for (const [what, mutation] of Object.entries(MUTATIONS)) {
        const file = await fileWith((root) => mutated(root, JSON.parse(path) as Key[], mutation))
        const read = await readExport(file, newId).catch((error: unknown) => error)
        const where = `${which}: ${path} ${what}`
        if (read instanceof Error) expect(read, where).toMatchObject({ name: 'AppError', code: 'bad-file' })
        else {
          accepted += 1
          expectSound(read as Exported, where)
        }
      }
    }
    expect(paths.size).toBeGreaterThan(10)
    // Were everything refused, nothing would have been learned about what is accepted.
    expect(accepted).toBeGreaterThan(5)
  })
})

type Key = string | number
type Mutate = (root: unknown) => unknown

const GONE = Symbol('gone')
const MUTATIONS: Record<string, unknown> = {
  gone: GONE,
  null: null,
  true: true,
  number: 7,
  negative: -1,
  fraction: 1.5,
  huge: 1e308,
  'a long text': 'x'.repeat(300_000),
  'a name of JavaScript': '__proto__',
  'another one': 'constructor',
  'a turned text': '\u202e\u0000',
  'an empty text': '',
  'a list': [],
  'a list of nothing': [null, [null]],
  'an object': {},
  'an object of prototypes': JSON.parse(
    '{"__proto__":{"id":"p"},"constructor":{"prototype":{"text":1}}}',
  ) as unknown,
}

/** One conversation of two turns: fewer places, and each kind of them still there. */
function shortened(root: Record<string, unknown>): Record<string, unknown> {
  const [first, second] = CONVERSATION.turns
  return {
    ...root,
    conversations: [{ ...CONVERSATION, turns: [first, second], chosen: { '': 'a', a: 'b' } }],
  }
}

function collectPaths(value: unknown, path: Key[], depth: number, into: Set<string>): void {
  into.add(JSON.stringify(path))
  if (typeof value !== 'object' || value === null || path.length === depth) return
  for (const [key, inner] of Object.entries(value))
    collectPaths(inner, [...path, Array.isArray(value) ? Number(key) : key], depth, into)
}

function mutated(root: unknown, path: readonly Key[], mutation: unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) return mutation === GONE ? undefined : mutation
  const copy = structuredClone(root) as Record<Key, unknown>
  if (rest.length === 0 && mutation === GONE) Reflect.deleteProperty(copy, key)
  else copy[key] = mutated(copy[key], rest, mutation)
  return copy
}

/** Everything that the page does with a conversation works. */
function expectSound(read: Exported, where: string): void {
  for (const conversation of read.conversations) {
    expect(toShown(toKept(conversation)), where).toEqual(conversation)
    expect(Object.getPrototypeOf(conversation.chosen), where).toBe(Object.prototype)
    const shown = shownTurns(conversation)
    expect(shown.length, where).toBeLessThanOrEqual(conversation.turns.length)
    for (const turn of shown) {
      expect(Object.keys(turn.answers), where).toEqual(conversation.pictures.map(({ id }) => id))
      for (const { id } of conversation.pictures) earlierTurns(conversation, turn, id)
    }
    expect(titleOf(conversation), where).toMatch(/\S/)
    contains(conversation, 'cat dog')
    toMarkdown(conversation)
  }
}

function changed(change: Record<string, unknown>): string {
  return JSON.stringify({ ...version1(), conversations: [{ ...CONVERSATION, ...change }] })
}

interface Size {
  turns?: number
  pictures?: number
  question?: number
  answer?: number
  tokens?: number
  alternatives?: number
}

function conversationOf({
  turns = 1,
  pictures = 2,
  question = 1,
  answer = 1,
  tokens = 1,
  alternatives = 1,
}: Size): Conversation {
  const said: SettledAnswer = {
    status: 'done',
    text: 'x'.repeat(answer),
    tokenIds: Array<number>(tokens).fill(1),
    answers: Array.from({ length: alternatives }, () => ({ text: '', tokenIds: [], score: 0 })),
    facts: DONE.facts,
  }
  const shown = [
    ...CONVERSATION.pictures,
    ...Array.from({ length: pictures - 2 }, (_, i) => ({ id: `p${i}`, name: 'p' })),
  ]
  return {
    ...CONVERSATION,
    pictures: shown,
    turns: Array.from({ length: turns }, (_, i) => ({
      id: `t${i}`,
      parent: i === 0 ? null : `t${i - 1}`,
      question: 'x'.repeat(question),
      answers: { p: said, q: said },
    })),
    chosen: {},
  }
}

function sized(size: Size): Promise<Blob> {
  const conversation = conversationOf(size)
  const pictures = conversation.pictures.map(({ id }) => ({ id, type: '', base64: '' }))
  return Promise.resolve(jsonFile({ ...version1(), conversations: [conversation], pictures }))
}
