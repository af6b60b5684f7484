import { createFilter } from 'vite'
import { describe, expect, it } from 'vitest'
import { TOGETHER, TOGETHER_IN_TIME } from '../../testing/together.ts'
import { HOMES, importProblem, KERNEL_LAYERS, LAYERS } from './layers.ts'
import { readSource, readSources, type Source } from './sources.ts'

const problemsOf = ({ path, imports }: Source): string[] =>
  imports.flatMap((each) => {
    const problem = importProblem(path, each)
    return problem === null ? [] : [`${path} imports ${each.specifier}: ${problem}`]
  })

/** They share a process: what one mocks another has loaded, and what one holds another measures. */
const NOT_TOGETHER =
  /\bvi\s*(\?\.|\.)\s*(mock|doMock|resetModules)\b|\bvi\s*(\?\.)?\s*\[|\}\s*=\s*vi\b|\bmemoryUsage\b/

describe('of every file', () => {
  const sources = readSources(['src', 'testing', 'lab', 'e2e', 'scripts', 'models'])

  const among = (globs: string[]): Source[] => {
    const isOne = createFilter(globs, null, { resolve: false })
    return sources.filter(({ path }) => isOne(path))
  }

  it('was read', () => {
    expect(sources.length).toBeGreaterThan(1000)
    expect(sources.flatMap(({ imports }) => imports).length).toBeGreaterThan(5000)
  })

  it('leads imports only where they may lead', () => {
    expect(sources.flatMap(problemsOf)).toEqual([])
  })

  it('mocks no module and measures no memory in tests that share a process', () => {
    const together = among([...TOGETHER, ...TOGETHER_IN_TIME])
    expect(together.length).toBeGreaterThan(100)
    expect(together.filter(({ code }) => NOT_TOGETHER.test(code)).map(({ path }) => path)).toEqual([])
    const inTime = among(TOGETHER_IN_TIME)
    expect(inTime.length).toBeGreaterThan(5)
    // What one has left running goes on under the clock of another.
    expect(inTime.filter(({ code }) => /\buseFakeTimers\b/.test(code)).map(({ path }) => path)).toEqual([])
  })

  // What lint does not see: values of enums that are alike, and a directive in the last line of a block comment.
  it('has no enums, and no directives to the compiler but in a comment of one line', () => {
    expect(sources.filter(({ code }) => /\benum\s+\w+\s*\{/.test(code)).map(({ path }) => path)).toEqual([])
    const directives = sources.filter(({ comments }) =>
      comments.some(({ type, value }) => type === 'Block' && /@ts-(expect-error|ignore|nocheck)/.test(value)),
    )
    expect(directives.map(({ path }) => path)).toEqual([])
  })
})

/** What is said of a file at `path` with that text. */
const saidOf = (path: string, text: string): string[] => problemsOf(readSource(path, text))

describe('refuses', () => {
  it.each([
    { base: 'src', table: LAYERS },
    { base: 'src/runtime/wgsl', table: KERNEL_LAYERS },
  ])('what the table of $base has not', ({ base, table }) => {
    const folders = Object.keys(table)
    for (const from of folders) {
      for (const to of folders) {
        const said = saidOf(`${base}/${from}/deep/a.ts`, `export { b } from '../../${to}/b.ts'\n`)
        const may = from === to || table[from]?.includes(to) === true
        expect(said, `${from} -> ${to}`).toHaveLength(may ? 0 : 1)
      }
    }
  })

  it.each([
    "import { b } from '../ui/b.ts'",
    "import type { B } from '../ui/b.ts'",
    "import '../ui/b.ts'",
    "import * as b from '../remote/../ui/b.ts'",
    "import b from '../../src/ui/b.ts?worker'",
    "import b from '/src/ui/b.ts'",
    "export * from '../ui/b.ts'",
    "export type { B } from '../ui/b.ts'",
    "void import('../ui/b.ts')",
    'void import(`../ui/b.ts`)',
  ])('however it is written: %s', (text) => {
    expect(saidOf('src/pack/a.ts', text)).toHaveLength(1)
    expect(saidOf('src/pack/a.test.ts', text)).toEqual([])
  })

  it.each([
    ['node:fs', 'src/cli', 'src/store'],
    ['sharp', 'src/cli', 'src/image'],
    ['commander', 'src/cli', 'src/keeper'],
    ['onnxruntime-web', 'src/runtime/ort', 'src/runtime'],
    ['onnxruntime-web/webgpu', 'src/runtime/ort/weights', 'src/runtime/decode'],
    ['react', 'src/ui/talk', 'src/state'],
    ['react-dom/client', 'src/ui', 'src/conversation'],
    ['react-i18next', 'src/ui', 'src/messages'],
    ['i18next', 'src/messages', 'src/ui'],
  ])('%s outside its home', (specifier, home, elsewhere) => {
    expect(saidOf(`${home}/a.ts`, `import '${specifier}'`)).toEqual([])
    expect(saidOf(`${elsewhere}/a.ts`, `import '${specifier}'`)).toHaveLength(1)
  })

  it('each package in every layer that is not its home', () => {
    const names = ['node:fs', 'onnxruntime-web', 'react', 'i18next']
    for (const layer of Object.keys(LAYERS)) {
      const said = names.flatMap((name) => saidOf(`src/${layer}/a.ts`, `import '${name}'`))
      const homes = HOMES.filter(({ home }) => home === `src/${layer}`)
      expect(said, layer).toHaveLength(names.length - homes.length)
    }
  })

  it.each(['src/ui/a.tsx', 'src/state/deep/a.ts', 'src/conversation/a.ts', 'src/main.tsx'])(
    'in %s what reads a manifest, but for its types',
    (path) => {
      const up = path.split('/').length === 2 ? './' : '../'.repeat(path.split('/').length - 2)
      for (const name of ['manifest', 'families', 'schema']) {
        expect(saidOf(path, `import { a } from '${up}pack/${name}.ts'`)).toHaveLength(1)
        expect(saidOf(path, `import { a, type B } from '${up}pack/${name}.ts'`)).toHaveLength(1)
        expect(saidOf(path, `import { type B } from '${up}pack/${name}.ts'`)).toEqual([])
        expect(saidOf(path, `import type { B } from '${up}pack/${name}.ts'`)).toEqual([])
      }
      expect(saidOf(path, "import * as v from 'valibot'")).toHaveLength(1)
    },
  )

  it('what tests, measures or builds in what ships, and all but the first in tests', () => {
    for (const folder of ['testing', 'lab', 'e2e', 'scripts']) {
      const text = `import '../../${folder}/b.ts'`
      const forTests = folder === 'testing' ? 0 : 1
      expect(saidOf('src/pack/a.ts', text)).toHaveLength(1)
      expect(saidOf('src/main.tsx', `import '../${folder}/b.ts'`)).toHaveLength(1)
      expect(saidOf('src/pack/a.test.ts', text)).toHaveLength(forTests)
      expect(saidOf('src/ui/a.test.tsx', text)).toHaveLength(forTests)
      expect(saidOf('testing/deep/a.browser-test.ts', text)).toHaveLength(forTests)
      expect(saidOf('testing/deep/a.ts', text)).toEqual([])
      expect(saidOf('lab/speed/a.ts', text)).toEqual([])
    }
  })

  it.each([
    "vi.mock('./a.ts')",
    "vi . doMock('./a.ts')",
    'vi?.resetModules()',
    "vi['mock']('./a.ts')",
    'const { mock } = vi',
    'process.memoryUsage()',
    'const { memoryUsage } = process',
  ])('in a shared process: %s', (text) => {
    expect(NOT_TOGETHER.test(readSource('a.ts', text).code)).toBe(true)
    expect(NOT_TOGETHER.test(readSource('a.ts', `// ${text}`).code)).toBe(false)
  })
})
