/**
 * Whatever stands behind a command, it ends soon, with the right exit status and one clear sentence, and what was asked
 * for wrongly writes nothing. Seeded; `PICTALK_FUZZ=<factor>` tries more, `PICTALK_SEED=<number>` others.
 */
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { commandsOf, type Commands } from './commands.ts'
import { convertInto } from './convert-into.ts'
import { folderTree } from './files.ts'
import { print, remark } from './output.ts'
import { programOf, runCommandLine } from './program.ts'
import { ask, caption, trace, type Run } from './talk.ts'

const FACTOR = Number(process.env['PICTALK_FUZZ'] ?? 1)
const SEED = Number(process.env['PICTALK_SEED'] ?? 20260718)
/** Far above what any of it takes, on a machine that has other things to do, too. */
const LONGEST_MS = 60_000
const SENTENCE = /^pictalk: [^\p{Cc}\u202a-\u202e\u2066-\u2069]{5,1200} \[[a-z-]+\]$/u

const never = new AbortController().signal
const stopped = AbortSignal.abort()
let world = ''

beforeAll(async () => {
  world = mkdtempSync(join(tmpdir(), 'pictalk-flags-'))
  vi.stubEnv('INIT_CWD', world)
  const at = (path: string): string => join(world, path)
  cpSync('models/reference/short-tied', at('checkpoint'), { recursive: true })
  cpSync('models/reference/images/shapes-97x61.png', at('picture.png'))
  mkdirSync(at('empty'))
  mkdirSync(at('ünï\u202e 😀'))
  writeFileSync(at('file'), 'text')
  symlinkSync('loop', at('loop'))
  execFileSync('mkfifo', [at('pipe')])
  const options = { precision: 'q4', name: 'x', signal: never, onProgress: () => undefined } as const
  await convertInto(at('pack'), folderTree(at('checkpoint')), options)
}, 60_000)
afterAll(() => {
  vi.unstubAllEnvs()
  rmSync(world, { recursive: true })
})
afterEach(() => {
  vi.restoreAllMocks()
})

const PATHS = [
  ...[
    'pack',
    'checkpoint',
    'picture.png',
    'empty',
    'file',
    'file/below',
    'pack/pack.json',
    'none',
    'ünï\u202e 😀',
  ],
  ...[
    '',
    ' ',
    '.',
    '..',
    '/',
    '~',
    'loop',
    'pipe',
    'picture.png/',
    './pack/../pack',
    'long'.repeat(80),
    '%00',
  ],
  ...[
    '/dev/null',
    '/dev/zero',
    '/dev/full',
    '/proc/x',
    '/proc/self/mem',
    '/proc/1/root',
    '/sys/x',
    '-',
    '--',
    'CON',
  ],
]
const NUMBERS = [
  ...[
    '0',
    '1',
    '3',
    '-1',
    '-0',
    '1.5',
    '1e3',
    '1e400',
    '1e-400',
    'NaN',
    'Infinity',
    '-Infinity',
    '0x10',
    '٣',
    '1,5',
  ],
  ...[
    '99999999999999999999',
    '4294967295',
    '65535',
    '65536',
    '1_000',
    '+2',
    ' 2 ',
    '2abc',
    'null',
    '[]',
    '０',
  ],
]
const TEXTS = [
  ...[
    '',
    ' ',
    '\u001b[2J\u009b31m\u202e',
    'two\nlines',
    '\t',
    'x'.repeat(20_000),
    '{question}',
    'a {question} b',
  ],
  ...[
    '😀'.repeat(500),
    'ا',
    '\ufeff',
    '$(id)',
    '`id`',
    '; rm',
    '--json',
    '-h',
    '__proto__',
    'constructor',
    '\\',
    '"',
  ],
]
const ADDRESSES = [
  ...[
    'hub:',
    'hub:/',
    'hub:a',
    'hub:../..',
    'hub:a/b@',
    'http://',
    'https://[',
    'http:///x',
    'HTTP:',
    'ftp://x/y',
  ],
  ...[
    'file:///etc',
    'synthetic:',
    'synthetic:none',
    'javascript:0',
    'data:,x',
    'http://a b/',
    'https://x:99999/',
  ],
]
/** None that is looked up in a network. */
const HOSTS = [
  '',
  ' ',
  '127.0.0.1',
  '::1',
  '999.1.1.1',
  '127.0.0.1:80',
  'http://127.0.0.1',
  '\u001b[2J',
  '/',
  '*',
]

const value = fc.oneof(
  fc.constantFrom(...PATHS, ...NUMBERS, ...TEXTS, ...ADDRESSES),
  fc.string({ maxLength: 12 }),
)

/** Everything that a command knows by itself, so that a new one is tried as soon as it is there. */
const COMMANDS = programOf(recorded([]), () => undefined).commands.map((command) => ({
  name: command.name(),
  places: command.registeredArguments.length,
  options: command.options.flatMap(({ long }) => (long == null ? [] : [long])),
}))

const anyCall = fc
  .constantFrom(...COMMANDS)
  .chain(({ name, places, options }) =>
    fc.tuple(
      fc.constantFrom(name, name, name, name, '', 'unknown', name.toUpperCase()),
      fc.array(value, { minLength: Math.max(0, places - 1), maxLength: places + 1 }),
      fc.array(
        fc.tuple(
          fc.oneof(
            { weight: 9, arbitrary: fc.constantFrom(...options, '--json') },
            { weight: 1, arbitrary: value },
          ),
          fc.option(value, { nil: undefined }),
          fc.boolean(),
        ),
        { maxLength: 5 },
      ),
    ),
  )
  .map(([name, places, flags]) => [
    name,
    ...places,
    ...flags.flatMap(([flag, given, joined]) => {
      const option = flag.startsWith('--') ? flag : `--${flag}`
      return given === undefined ? [option] : joined ? [`${option}=${given}`] : [option, given]
    }),
  ])

interface Ended {
  status: number
  out: string[]
  err: string[]
  ms: number
}

async function ended(args: readonly string[], commands: Commands): Promise<Ended> {
  const out: string[] = []
  const err: string[] = []
  vi.spyOn(console, 'log').mockImplementation((line: string) => void out.push(line))
  vi.spyOn(console, 'error').mockImplementation((line: string) => void err.push(line))
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(String(text)) > 0)
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
  const began = performance.now()
  try {
    return { status: await runCommandLine(args, commands), out, err, ms: performance.now() - began }
  } finally {
    vi.restoreAllMocks()
  }
}

/** Commands that do nothing but say with what they were called. */
function recorded(calls: unknown[][]): Commands {
  const call = (...args: unknown[]): Promise<number> => Promise.resolve(calls.push(args) - calls.length)
  const talk = { caption: call, ask: call, trace: call }
  const look = { match: call, embed: call, attend: call, search: call, classify: call }
  const folders = { batch: call, metadata: call }
  return { convert: call, inspect: call, verify: call, serve: call, ...talk, ...look, ...folders }
}

function expectSaidWell({ status, err, ms }: Ended): void {
  expect(ms).toBeLessThan(LONGEST_MS)
  if (status === 0) return
  for (const line of err) expect(line).toMatch(SENTENCE)
  expect(err.length).toBeGreaterThan(0)
  expect(err.join()).not.toContain('[bug]')
  expect(status).toBe(err.every((line) => line.endsWith('[bad-usage]')) && err.length === 1 ? 2 : 1)
}

const runs = (count: number): fc.Parameters<unknown> => ({
  seed: SEED,
  numRuns: count * FACTOR,
  endOnFailure: true,
})

describe('any arguments', () => {
  it(
    'call one command with values that are some, or are refused in one sentence',
    async () => {
      await fc.assert(
        fc.asyncProperty(anyCall, async (args) => {
          const calls: unknown[][] = []
          const result = await ended(args, recorded(calls))
          expectSaidWell(result)
          expect(calls.length).toBe(result.status === 0 && result.out.length === 0 ? 1 : 0)
          expect(result.err.length).toBe(result.status === 0 ? 0 : 1)
          for (const flags of calls.flat().filter((one) => typeof one === 'object'))
            for (const [key, one] of Object.entries(flags ?? {})) {
              if (typeof one === 'number') expect([key, Number.isFinite(one)]).toEqual([key, true])
            }
        }),
        runs(500),
      )
    },
    30_000 * FACTOR,
  )
})

/** The real commands; models run here instead of in a thread of their own, which is tried elsewhere. */
function inProcess(): Commands {
  const run: Run = { signal: never, print, remark }
  return {
    ...commandsOf(never),
    // It would serve until somebody stops it.
    serve: commandsOf(stopped).serve,
    caption: (pack, images, flags) => caption({ pack, images, flags }, run),
    ask: (pack, image, flags) => ask({ pack, image, flags }, run),
    trace: (pack, image, flags) => trace({ pack, image, flags }, run).then(() => 0),
  }
}

/** Every file of the world with what tells whether it was touched. */
function state(folder = world): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    const { size, mtimeMs } = lstatSync(path)
    if (entry.isDirectory()) return [relative(world, path), ...state(path)]
    return [`${relative(world, path)} ${size} ${mtimeMs}`]
  })
}

const path = fc.constantFrom(...PATHS)
const number = fc.constantFrom(...NUMBERS)
const flag = (name: string, of: fc.Arbitrary<string>): fc.Arbitrary<string[]> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant<string[]>([]) },
    { weight: 1, arbitrary: of.map((one) => [`${name}=${one}`]) },
  )
const mostly = (good: string, of: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof({ weight: 1, arbitrary: fc.constant(good) }, { weight: 1, arbitrary: of })
const call = (...parts: (string | fc.Arbitrary<string | string[]>)[]): fc.Arbitrary<string[]> =>
  fc
    .tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part)))
    .map((all) => all.flat())

const text = fc.constantFrom(...TEXTS)
const decoding = [
  ...['--beams', '--min-new-tokens', '--length-penalty', '--repetition-penalty', '--no-repeat-ngram'],
  ...['--temperature', '--top-k', '--top-p', '--seed', '--answers', '--timeout'],
].map((name) => flag(name, number))
/** Of places to write to none that holds what should stay, and none outside but where nothing can be made. */
const out = mostly(
  'made',
  fc.constantFrom(
    ...[
      '',
      'made/ünï\u202e 😀',
      'file/below',
      'loop/x',
      'pipe',
      'checkpoint',
      'picture.png',
      'long'.repeat(80),
    ],
    ...['/dev/null', '/dev/full', '/dev/null/x', '/proc/x', '/proc/x/y', '/sys/x'],
  ),
).map((one) => `--out=${one}`)
const short = fc.oneof(
  { weight: 4, arbitrary: fc.constant('--max-new-tokens=2') },
  number.map((n) => `--max-new-tokens=${n}`),
)

/** Calls that are nearly right: each is let through by the parser and meets what lies on the disk. */
const nearlyRight = fc.oneof(
  call('inspect', mostly('pack', path), fc.constantFrom<string[]>([], ['--json'])),
  call('verify', mostly('pack', path)),
  call(
    'serve',
    mostly('pack', path),
    flag('--host', fc.constantFrom(...HOSTS)),
    '--port',
    mostly('0', number),
  ),
  call(
    'convert',
    mostly('checkpoint', fc.oneof(path, fc.constantFrom(...ADDRESSES))).map((from) => `--from=${from}`),
    out,
    ...[
      flag('--precision', fc.constantFrom('q4', 'fp32', 'int8', '')),
      flag('--name', text),
      flag('--image-size', number),
      flag('--hub', fc.constantFrom('', 'x', 'http://', 'https://[', 'http:// /', 'ftp://x')),
    ],
  ),
  call(
    'caption',
    mostly('pack', path),
    mostly('picture.png', path),
    short,
    flag('--prompt', text),
    ...decoding,
  ),
  call(
    'ask',
    mostly('pack', path),
    mostly('picture.png', path),
    short,
    text.map((one) => `--question=${one}`),
    ...[flag('--template', text), ...decoding],
  ),
  call('trace', mostly('pack', path), mostly('picture.png', path), short, out, flag('--prompt', text)),
)

describe('a call that is nearly right', () => {
  it(
    'does what it says, or says why not and has written nothing',
    async () => {
      const before = state()
      await fc.assert(
        fc.asyncProperty(nearlyRight, async (args) => {
          const result = await ended(args, inProcess())
          expectSaidWell(result)
          if (result.status !== 0) expect(state()).toEqual(before)
          rmSync(join(world, 'made'), { recursive: true, force: true })
        }),
        runs(60),
      )
    },
    60_000 * FACTOR,
  )
})

describe('what a flag says', () => {
  it.each([
    ['an address to listen on that is empty', ['serve', 'pack', '--port', '0', '--host', '']],
    ['a number that is a blank', ['serve', 'pack', '--port', ' ']],
    ['a number that is nothing', ['caption', 'pack', 'picture.png', '--max-new-tokens=']],
    ['a file to write that is the picture', ['trace', 'pack', 'picture.png', '--out', './picture.png']],
  ])('is not taken where it is %s', async (_, args) => {
    const before = state()
    const result = await ended(args, inProcess())
    expect([result.status, result.err.length]).toEqual([2, 1])
    expect(state()).toEqual(before)
  })
})
