/** What a table promises, whoever keeps it. */
import { sha256Hex } from '../../src/pack/bytes.ts'
import { holds, rejects, same, type Contract } from './store-under-test.ts'

const MEBIBYTE = 2 ** 20

/** Bytes of which no stretch is like another. */
function unlikeBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  let state = 1
  for (let i = 0; i < length; i += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    bytes[i] = state >>> 24
  }
  return bytes
}

async function bytesOf(blob: Blob | undefined): Promise<Uint8Array<ArrayBuffer>> {
  if (!(blob instanceof Blob)) throw new Error('There is no Blob.')
  return new Uint8Array(await blob.arrayBuffer())
}

/** What no database can keep: it cannot be copied. */
const uncopied = (): unknown => ({ work: () => undefined })

export const tableContract: Contract = {
  'gives back what was set, the last of it, and nothing for what was not': async (store, name) => {
    const table = store.table<string>(name)
    await table.set('a', 'first')
    await table.set('a', 'second')
    same(await table.get('a'), 'second', 'what was set last')
    same(await table.get('b'), undefined, 'what was never set')
  },
  'keeps plain data, numbers in arrays and Blobs within records as they are': async (store, name) => {
    const record = {
      text: 'ä 🦆',
      none: null,
      nested: [{ list: [1, 2.5, -0, 1e300] }],
      embeddings: Float32Array.of(0.1, -3, 1e-30),
      image: new File(['a picture'], 'photo.png', { type: 'image/png' }),
    }
    await store.table<typeof record>(name).set('r', record)
    const kept = await store.table<typeof record>(name).get('r')
    same({ ...kept, image: null }, { ...record, image: null }, 'the record')
    holds(kept?.embeddings instanceof Float32Array, 'numbers are a typed array again')
    holds(kept?.image instanceof Blob, 'the file is a Blob again')
    same([kept?.image.size, kept?.image.type], [9, 'image/png'], 'size and type of the file')
    same(await kept?.image.text(), 'a picture', 'the file')
  },
  'keeps and gives out copies: who changes one changes nothing that is kept': async (store, name) => {
    const table = store.table<{ words: string[] }>(name)
    const given = { words: ['one'] }
    await table.set('a', given)
    given.words.push('two')
    const got = await table.get('a')
    got?.words.push('three')
    const all = await table.values()
    all[0]?.words.push('four')
    same(await table.get('a'), { words: ['one'] }, 'the record')
    await table.setAll([['b', given]])
    given.words.push('five')
    same(await table.get('b'), { words: ['one', 'two'] }, 'the second record')
  },
  'hands a change a copy, too: one that gives up changes nothing': async (store, name) => {
    const table = store.table<{ words: string[] }>(name)
    await table.set('a', { words: ['one'] })
    await table.update('a', (present) => {
      present?.words.push('two')
      return undefined
    })
    same(await table.get('a'), { words: ['one'] }, 'the record after a change that left it')
    const changed = await table.update('a', (present) => ({ words: [...(present?.words ?? []), 'two'] }))
    changed?.words.push('three')
    same(await table.get('a'), { words: ['one', 'two'] }, 'the record after a change')
  },
  'keeps large Blobs to the byte, and empty ones': async (store, name) => {
    const bytes = unlikeBytes(3 * MEBIBYTE + 1)
    await store.table<Blob>(name).set('large', new Blob([bytes]))
    await store.table<Blob>(name).set('empty', new Blob([]))
    const table = store.table<Blob>(name)
    same(await sha256Hex(await bytesOf(await table.get('large'))), await sha256Hex(bytes), 'the hash')
    same((await table.get('empty'))?.size, 0, 'the size of the empty one')
  },
  'gives Blobs of which others are made: joined, sliced, streamed, and kept again': async (store, name) => {
    const table = store.table<Blob>(name)
    const [first, second] = [unlikeBytes(MEBIBYTE), unlikeBytes(100_000).reverse()]
    await table.setAll([
      ['1', new Blob([first])],
      ['2', new Blob([second])],
    ])
    const joined = new Blob([(await table.get('1')) ?? '', (await table.get('2')) ?? ''])
    const whole = new Uint8Array([...first, ...second])
    same(await sha256Hex(await bytesOf(joined)), await sha256Hex(whole), 'the joined one')
    const across = joined.slice(MEBIBYTE - 10, MEBIBYTE + 10)
    same(await bytesOf(across), whole.slice(MEBIBYTE - 10, MEBIBYTE + 10), 'a slice of it')
    const streamed = await new Response(joined.stream()).arrayBuffer()
    same(await sha256Hex(new Uint8Array(streamed)), await sha256Hex(whole), 'what it streams')
    await table.set('both', joined)
    await table.remove(['1', '2'])
    same(await sha256Hex(await bytesOf(await table.get('both'))), await sha256Hex(whole), 'it, kept again')
  },
  'lists keys and values in the order of the keys': async (store, name) => {
    const table = store.table<string>(name)
    await table.setAll([
      ['b', 'B'],
      ['10', 'X'],
      ['a', 'A'],
      ['é', 'E'],
      ['', 'nothing'],
      ['9', 'IX'],
    ])
    same(await table.keys(), ['', '10', '9', 'a', 'b', 'é'], 'the keys')
    same(await table.values(), ['nothing', 'X', 'IX', 'A', 'B', 'E'], 'the values')
  },
  'removes what it is told to, and minds nothing that is not there': async (store, name) => {
    const table = store.table<number>(name)
    await table.setAll(Array.from({ length: 300 }, (_, i) => [`k${i}`, i]))
    same((await table.keys()).length, 300, 'how many there are')
    await table.remove(['k0', 'k299', 'never'])
    await table.remove([])
    same((await table.values()).length, 298, 'how many are left')
    same(await table.get('k299'), undefined, 'one that was removed')
  },
  'sets all or none': async (store, name) => {
    const table = store.table<unknown>(name)
    await table.set('a', 'before')
    const all = table.setAll([
      ['a', 'after'],
      ['b', uncopied()],
      ['c', 'after'],
    ])
    await rejects(all, 'a value that cannot be kept')
    same(await table.keys(), ['a'], 'the keys')
    same(await table.get('a'), 'before', 'what was there')
  },
  'leaves what was there where a new value cannot be kept': async (store, name) => {
    const table = store.table<unknown>(name)
    await table.set('a', 'before')
    await rejects(table.set('a', uncopied()), 'setting what cannot be kept')
    await rejects(
      table.update('a', () => uncopied()),
      'a change to what cannot be kept',
    )
    same(await table.get('a'), 'before', 'what was there')
  },
  'changes in one step, which nobody comes between, from whichever tab': async (store, name) => {
    const tabs = [store.table<number>(name), store.table<number>(name)] as const
    const changes = Array.from({ length: 50 }, (_, i) =>
      tabs[i % 2 === 0 ? 0 : 1].update('count', (present) => (present ?? 0) + 1),
    )
    same((await Promise.all(changes)).sort((a = 0, b = 0) => a - b).at(-1), 50, 'what the last one gave')
    same(await tabs[0].get('count'), 50, 'the count')
  },
  'lets a change leave everything as it is, and one that throws rejects with that': async (store, name) => {
    const table = store.table<string>(name)
    same(await table.update('gone', (present) => present && `${present} again`), undefined, 'the change')
    same(await table.keys(), [], 'the keys')
    await table.set('a', 'first')
    const giveUp = (): string => {
      throw new Error('changed its mind')
    }
    const error = await rejects(table.update('a', giveUp), 'a change that throws')
    same(String(error), 'Error: changed its mind', 'what it rejects with')
    same(await table.get('a'), 'first', 'what was there')
    same(await table.update('a', (present) => `${present ?? ''}, second`), 'first, second', 'the next change')
  },
  'changes everything together: what comes, what goes and what stays': async (store, name) => {
    const table = store.table<{ n: number }>(name)
    await table.setAll([
      ['b', { n: 2 }],
      ['a', { n: 1 }],
      ['c', { n: 3 }],
    ])
    await table.updateAll((present) => {
      same([...present.keys()], ['a', 'b', 'c'], 'the keys that are there')
      const a = present.get('a')
      // Not among what is given back, so it stays as it is kept.
      if (a !== undefined) a.n = 10
      return new Map([
        ['b', undefined],
        ['c', { n: 30 }],
        ['d', { n: 40 }],
      ])
    })
    same(await table.keys(), ['a', 'c', 'd'], 'the keys')
    same(await table.values(), [{ n: 1 }, { n: 30 }, { n: 40 }], 'the values')
  },
  'changes nothing where a change of everything throws, or one value cannot be kept': async (store, name) => {
    const table = store.table<unknown>(name)
    await table.set('a', 'before')
    const giveUp = (): never => {
      throw new Error('changed its mind')
    }
    same(
      String(await rejects(table.updateAll(giveUp), 'a change that throws')),
      'Error: changed its mind',
      'why',
    )
    const changes = new Map([
      ['a', undefined],
      ['b', 'after'],
      ['c', uncopied()],
    ])
    await rejects(
      table.updateAll(() => changes),
      'a value that cannot be kept',
    )
    same([await table.keys(), await table.get('a')], [['a'], 'before'], 'what is there')
  },
  'does in order what it is told in order, without being waited for': async (store, name) => {
    const table = store.table<number>(name)
    void table.set('a', 1)
    const early = table.get('a')
    void table.set('a', 2)
    void table.update('a', (present = 0) => present * 10)
    const late = table.get('a')
    void table.remove(['a'])
    same([await early, await late, await table.get('a')], [1, 20, undefined], 'what was read')
  },
}
