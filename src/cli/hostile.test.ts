/**
 * Whatever is wrong with a checkpoint, a pack or an address, it is said in one sentence with a code: nothing unforeseen,
 * nothing that goes on for ever. Seeded, so that the same cases are tried each time; `PICTALK_FUZZ=<factor>` tries more,
 * `PICTALK_SEED=<number>` others.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { convertCheckpoint } from '../convert/convert.ts'
import { sinkInMemory, treeInMemory } from '../pack/bytes.ts'
import { AppError } from '../pack/failure.ts'
import { parseManifest } from '../pack/manifest.ts'
import { parseAddress } from '../remote/address.ts'
import { httpTree } from '../remote/http-tree.ts'
import { plainNetwork } from '../remote/network.ts'
import { openRemote } from '../remote/source.ts'
import { describePack } from './describe-pack.ts'

const FACTOR = Number(process.env['PICTALK_FUZZ'] ?? 1)
const SEED = Number(process.env['PICTALK_SEED'] ?? 20260718)
/** Of the processor, whatever else the machine does. */
const LONGEST_MS = 10_000
const CHECKPOINT = 'models/reference/short-tied'

const files = new Map<string, Buffer>()
let manifest = ''
beforeAll(async () => {
  for (const name of readdirSync(CHECKPOINT)) {
    if (/\.(json|txt|md|safetensors|model)$/.test(name)) files.set(name, readFileSync(join(CHECKPOINT, name)))
  }
  manifest = JSON.stringify(await convert(new Map()))
})

async function convert(changed: ReadonlyMap<string, Uint8Array>): Promise<unknown> {
  const all = [...files, ...changed].map(([name, bytes]) => [name, Uint8Array.from(bytes).buffer] as const)
  return convertCheckpoint(treeInMemory(new Map(all)), sinkInMemory(new Map()), {
    precision: 'q8',
    name: 'x',
  })
}

/** Runs `work`, which may fail, but only in the way that everything here fails, and soon. */
async function failsWell(work: () => unknown): Promise<void> {
  const before = process.cpuUsage()
  try {
    await work()
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    expect(error.code).not.toBe('bug')
    expect(error.message).toMatch(/^[^\p{Cc}\u202a-\u202e\u2066-\u2069]{5,1100}\.$/u)
  }
  const { user, system } = process.cpuUsage(before)
  expect((user + system) / 1000).toBeLessThan(LONGEST_MS)
}

const hostileValue = fc.oneof(
  fc.constantFrom<unknown>(
    ...[
      null,
      true,
      false,
      0,
      -1,
      1,
      2,
      1.5,
      1e308,
      1e-320,
      20_000,
      2 ** 20,
      2 ** 20 + 1,
      2 ** 31,
      2 ** 53,
      -0,
    ],
    ...[
      '',
      '\u001b[2J\u202e',
      '\ud800',
      '../x',
      '__proto__',
      'NaN',
      'x'.repeat(20_000),
      [],
      {},
      [[]],
      [null],
    ],
    ...[
      { __proto__: 1 },
      { length: 5 },
      new Array(2_000).fill(0),
      JSON.parse('['.repeat(500) + ']'.repeat(500)),
    ],
  ),
  fc.integer(),
  fc.string({ maxLength: 20 }),
  fc.jsonValue({ maxDepth: 2 }),
)

/** A way into a JSON value: at each level the entry at this fraction of all; where it ends, this happens. */
const edit = fc.record({
  way: fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 1, maxLength: 6 }),
  how: fc.oneof(
    { weight: 4, arbitrary: fc.record({ to: hostileValue }) },
    { weight: 1, arbitrary: fc.constant('removed' as const) },
    { weight: 1, arbitrary: fc.record({ renamed: fc.string({ maxLength: 8 }) }) },
  ),
})
type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never

function edited(json: unknown, { way, how }: Edit): unknown {
  const [first = 0, ...rest] = way
  if (typeof json !== 'object' || json === null) return typeof how === 'object' && 'to' in how ? how.to : json
  const entries = Object.entries(json)
  const chosen = Math.floor(first * entries.length)
  const changed = entries.flatMap(([key, value], i): [string, unknown][] => {
    if (i !== chosen) return [[key, value]]
    if (rest.length > 0 && typeof value === 'object' && value !== null)
      return [[key, edited(value, { way: rest, how })]]
    if (how === 'removed') return []
    return 'to' in how ? [[key, how.to]] : [[how.renamed, value]]
  })
  return Array.isArray(json) ? changed.map(([, value]) => value) : Object.fromEntries(changed)
}

/** What happens to the bytes of a file: cut, flipped, written over, begun differently. */
const damage = fc.oneof(
  fc.record({ cut: fc.double({ min: 0, max: 1, noNaN: true }) }),
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
  }),
  fc.record({ before: fc.constantFrom('\ufeff', '\r\n', 'null', '[', '\u0000', '<!doctype html>') }),
)
type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never

function damaged(bytes: Uint8Array, how: Damage): Uint8Array {
  if ('cut' in how) return bytes.slice(0, Math.floor(how.cut * bytes.length))
  if ('before' in how) return Buffer.concat([Buffer.from(how.before), bytes])
  const copy = Uint8Array.from(bytes)
  const at = Math.floor(how.at * Math.max(0, copy.length - how.bytes.length))
  copy.set(how.bytes.subarray(0, copy.length), at)
  return copy
}

const encode = (json: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(json))
const runs = (count: number): { seed: number; numRuns: number } => ({ seed: SEED, numRuns: count * FACTOR })
const timeout = 120_000 * FACTOR

describe('whatever is wrong with', () => {
  const sideFile = fc.constantFrom(
    ...['config.json', 'config.json', 'tokenizer.json', 'tokenizer_config.json', 'preprocessor_config.json'],
    ...[
      'processor_config.json',
      'generation_config.json',
      'added_tokens.json',
      'README.md',
      'vocab.json',
      'merges.txt',
    ],
  )

  it('a file beside the weights, it is said in a sentence', { timeout }, async () => {
    const change = fc.oneof({ weight: 3, arbitrary: edit }, { weight: 1, arbitrary: damage })
    await fc.assert(
      fc.asyncProperty(sideFile, change, (name, how) => {
        const bytes = files.get(name) ?? Buffer.from('{"a": [1, {"b": 2}]}')
        const json = 'way' in how && name.endsWith('.json')
        const changed = json
          ? encode(edited(JSON.parse(bytes.toString()), how))
          : damaged(bytes, 'way' in how ? { cut: how.way[0] ?? 0 } : how)
        return failsWell(() => convert(new Map([[name, changed]])))
      }),
      runs(40),
    )
  })

  it('the header of a safetensors file, it is said in a sentence', { timeout }, async () => {
    const whole = files.get('model.safetensors') ?? Buffer.alloc(0)
    const length = Number(whole.readBigUInt64LE())
    const header: unknown = JSON.parse(whole.subarray(8, 8 + length).toString())
    const change = fc.oneof({ weight: 3, arbitrary: edit }, { weight: 1, arbitrary: damage })
    await fc.assert(
      fc.asyncProperty(change, (how) => {
        if (!('way' in how))
          return failsWell(() => convert(new Map([['model.safetensors', damaged(whole, how)]])))
        const json = encode(edited(header, how))
        const prefix = Buffer.alloc(8)
        prefix.writeBigUInt64LE(BigInt(json.length))
        const changed = Buffer.concat([prefix, json, whole.subarray(8 + length)])
        return failsWell(() => convert(new Map([['model.safetensors', changed]])))
      }),
      runs(30),
    )
  })

  it('a manifest, it is said in a sentence, and what passes can be described', { timeout }, async () => {
    const json: unknown = JSON.parse(manifest)
    await fc.assert(
      fc.asyncProperty(edit, (how) =>
        failsWell(() => describePack(parseManifest(JSON.stringify(edited(json, how)))).join('\n')),
      ),
      runs(300),
    )
  })

  it('an address, it is said in a sentence', { timeout }, async () => {
    const network = plainNetwork({
      fetch: () => Promise.resolve(new Response('busy', { status: 403 })),
      wait: () => Promise.resolve(),
    })
    const hub = new URL('https://huggingface.co/')
    const part = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.constantFrom(
        '%ff',
        '%',
        '%00',
        '..',
        '\\',
        '@',
        ':',
        '\ud800',
        '?',
        '#',
        '[',
        '//',
        'hub:',
        'a/b',
        '\u202e',
      ),
    )
    const address = fc
      .tuple(
        fc.constantFrom('https://host.example/', 'https://huggingface.co/', 'hub:', 'http:', ''),
        fc.array(part),
      )
      .map(([start, parts]) => start + parts.join(''))
    await fc.assert(
      fc.asyncProperty(address, part, (text, path) =>
        failsWell(async () => {
          const parsed = parseAddress(text, { hub, bareNames: true })
          const { tree } = await openRemote(parsed, hub, { network })
          await tree.open(path)
          await httpTree(hub, { network }).open(path)
        }),
      ),
      runs(300),
    )
  })
})
