import { describe, expect, it } from 'vitest'
import { manifestOfFormat1 } from '../../testing/manifests/format-1.ts'
import { goodManifest } from '../../testing/manifests/manifests.ts'
import { AppError } from './failure.ts'
import { parseManifest } from './manifest.ts'

type Json = Record<string, unknown>

/** Where a value lies within a manifest. */
type Place = readonly (string | number)[]

/** Every key and every entry, at every depth. */
function placesOf(value: unknown, at: Place = []): Place[] {
  if (typeof value !== 'object' || value === null) return []
  const keys = Array.isArray(value) ? [...value.keys()] : Object.keys(value)
  return keys.flatMap((key) => [[...at, key], ...placesOf((value as Json)[key], [...at, key])])
}

const REPLACEMENTS: [string, string][] = [
  ['nothing', 'null'],
  ['true', 'true'],
  ['a text', '"x"'],
  ['an empty text', '""'],
  ['a path that climbs out', '"../../x"'],
  ['a negative number', '-1'],
  ['zero', '0'],
  ['a fraction', '1.5'],
  ['2^53', '9007199254740992'],
  ['infinity', '1e999'],
  ['an empty list', '[]'],
  ['a list', '[1]'],
  ['an object', '{"x":1}'],
  ['keys of the prototype', '{"__proto__":{"a":1},"constructor":1,"toString":1}'],
]

/** The manifest's text with one value replaced by `json`, or left out. */
function spoiled(manifest: Json, place: Place, json: string | undefined): string {
  const mark = '\u0001spoiled\u0001'
  const copy = structuredClone(manifest)
  const last = place.at(-1) ?? ''
  const parent = place.slice(0, -1).reduce<unknown>((value, key) => (value as Json)[key], copy) as Json
  if (json !== undefined) parent[last] = mark
  else if (Array.isArray(parent)) parent.splice(Number(last), 1)
  else Reflect.deleteProperty(parent, last)
  return JSON.stringify(copy).replace(JSON.stringify(mark), json ?? '')
}

/** What may be otherwise and is a good manifest all the same: see the schema. Everything else is refused. */
const MAY_CHANGE: [RegExp, RegExp][] = [
  // Words for people, and what was found out about the checkpoint.
  [/^(name|licence|licenceNotice|checks\.\d+\.(name|detail))$/, /text|path that climbs/],
  [/^(licence)$/, /nothing/],
  [/^checks\.\d+\.detail$/, /empty text/],
  [/^checks\.\d+\.ok$/, /true/],
  [/^(licenceNotice|checks\.\d+|unknownTensors\.\d+)$/, /left out/],
  [/^unknownTensors\.\d+$/, /text|path/],
  [/^(checks|unknownTensors)$/, /an empty list/],
  // A pack without a tokenizer answers in ids, one without its configuration has none to honour.
  [/^tokenizer(\.config)?$/, /left out|an object|prototype/],
  // A pack need not be for every target.
  [/^(parts\.[\w-]+\.graphs|graphs\.[\w-]+)\.[\w-]+$/, /left out/],
  // Old checkpoints have no image token; another id that is in the vocabulary is an id.
  [/imageTokenIds$/, /an empty list|a list/],
  [/(eosIds|imageTokenIds)\.\d+$/, /left out|zero/],
  [/eosIds$/, /a list/],
  [/(bosId|padId)$/, /zero/],
  // Numbers that nothing else depends on.
  [/^preprocessing\.mean\.\d$/, /zero|fraction/],
  [/^preprocessing\.std\.\d$/, /fraction/],
]

function mayChange(field: string, how: string): boolean {
  return MAY_CHANGE.some(([fields, ways]) => fields.test(field) && ways.test(how))
}

describe.each<[string, Json]>([
  ['of format 1', manifestOfFormat1()],
  ['of format 2', { ...goodManifest() }],
])('a manifest %s', (_, manifest) => {
  it('is read as it is', () => {
    expect(parseManifest(JSON.stringify(manifest)).name).toBe(manifest['name'])
  })

  const places = placesOf(manifest)
  it.each<[string, string | undefined]>([['left out', undefined], ...REPLACEMENTS])(
    'is refused with any of its values %s, or read as something valid',
    (how, json) => {
      const wrong: string[] = []
      for (const place of places) {
        const field = place.join('.')
        try {
          const read = parseManifest(spoiled(manifest, place, json))
          // What was let through must be good by the same measure, and one of the few that may be so.
          parseManifest(JSON.stringify(read))
          if (!mayChange(field, how)) wrong.push(`${field} was taken`)
        } catch (error) {
          if (!(error instanceof AppError && error.code === 'bad-pack'))
            wrong.push(`${field}: ${String(error)}`)
          else if (!/^[^\n]{1,500}$/.test(error.message)) wrong.push(`${field}: ${error.message}`)
        }
      }
      expect(wrong).toEqual([])
    },
  )
})
