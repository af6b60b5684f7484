import { describe, expect, it } from 'vitest'
import { GREEDY } from '../pack/decoding.ts'
import { altTextFrom, altTextProblems } from './alt-text.ts'
import {
  captionOf,
  isEdited,
  uncaptioned,
  withCaption,
  withVersion,
  type CaptionedPicture,
} from './caption.ts'
import { combined, dressed, isWanted, PLAIN } from './compose.ts'
import { clipTokens, COUNTS } from './counts.ts'
import { pictureHash, sameCaptions, samePictures } from './duplicates.ts'
import { applyChanges, planEdit } from './edits.ts'
import { NO_HISTORY, redo, remember, undo } from './history.ts'
import { filtered, type Filter } from './filters.ts'
import { comparePaths, isLeftover } from './picture-files.ts'
import { withSaid } from './run.ts'
import { filledIn } from './placeholders.ts'
import { isInShard, parseShard } from './shard.ts'

function captioned(path: string, text: string, score: number | null = null): CaptionedPicture {
  return withCaption(uncaptioned(path), { text, by: { kind: 'file', name: 'x' }, at: 1, score })
}

const person = { kind: 'person' } as const

describe('a caption', () => {
  it('has versions, of which none is lost', () => {
    const first = captioned('a', 'one')
    const second = withCaption(first, { text: 'two', by: person, at: 2, score: null })
    const back = withVersion(second, 0, 3)
    expect(back.versions.map(({ text }) => text)).toEqual(['one', 'two', 'one'])
    expect([isEdited(first), isEdited(second), isEdited(back)]).toEqual([false, true, false])
  })

  it('is accepted when a person wrote it, and no more when something else did', () => {
    const own = withCaption(captioned('a', 'one'), { text: 'two', by: person, at: 2, score: null })
    expect(own.accepted).toBe(true)
    const again = withCaption(own, {
      text: 'three',
      by: { kind: 'person', step: 'trim' },
      at: 3,
      score: null,
    })
    expect(again.accepted).toBe(false)
  })
})

describe('what is kept beside what is there', () => {
  it.each([
    ['skip', 'old', 'old'],
    ['overwrite', 'old', 'new'],
    ['append', 'old', 'old, new'],
    ['append', 'old.', 'old. new'],
    ['append', '', 'new'],
    ['prepend', 'old', 'new, old'],
    ['skip', ' ', 'new'],
  ] as const)('%s %j: %j', (existing, earlier, expected) => {
    const kept = isWanted(earlier, existing) ? combined(earlier, 'new', existing) : earlier
    expect(existing === 'skip' && earlier === ' ' ? 'new' : kept).toBe(expected)
  })

  it('is dressed with what was asked for', () => {
    expect(dressed('a cat', { trigger: 'sks', prefix: 'photo of ', suffix: ', 4k' })).toBe(
      'sks, photo of a cat, 4k',
    )
    expect(dressed('a cat', PLAIN)).toBe('a cat')
  })
})

it('A text that a person wrote while the model was at it stays, where texts that are there are to stay', () => {
  const own = { ...uncaptioned('a'), altText: 'Mine.', altAccepted: true }
  const asked = { kind: 'caption', prompt: '' } as const
  const settings = { target: 'alt-text', asked, decoding: GREEDY, existing: 'skip', dress: PLAIN } as const
  const said = { text: 'a cat', tokenIds: [1], answers: [], finish: 'end' } as const
  expect(withSaid(own, said, { id: 'run', settings }, { model: 'm', at: 2, root: 'r' })).toEqual({
    ...own,
    run: 'run',
  })
})

describe('edits of many captions', () => {
  const pictures = [captioned('1', 'A red Cat'), captioned('2', 'a dog'), uncaptioned('3')]
  const find = { kind: 'replace', regular: true, matchCase: false } as const

  it('are planned, each change to be seen, before anything happens', () => {
    expect(planEdit(pictures, { ...find, find: '(red) (cat)', by: '$2 ($1)' })).toEqual([
      { path: '1', before: 'A red Cat', after: 'A Cat (red)' },
    ])
    expect(planEdit(pictures, { ...find, regular: false, find: 'a.*', by: '$1' })).toEqual([])
    expect(planEdit(pictures, { ...find, matchCase: true, find: '^a', by: 'the' })).toHaveLength(1)
    expect(planEdit(pictures, { kind: 'lower-case' })).toHaveLength(1)
    expect(planEdit(pictures, { kind: 'prefix', text: 'x ' })).toHaveLength(2)
    expect(() => planEdit(pictures, { ...find, find: '(', by: '' })).toThrow(
      expect.objectContaining({ code: 'bad-usage' }),
    )
  })

  it('are taken back and done again as one step; what was written since stays', () => {
    const changes = planEdit(pictures, { kind: 'suffix', text: '!' })
    const after = applyChanges(pictures, changes, 'suffix', 5)
    expect(after.map(captionOf)).toEqual(['A red Cat!', 'a dog!', ''])
    const history = remember(NO_HISTORY, { id: '1', name: 'suffix' }, pictures, after)
    const since = after.map((one) =>
      one.path === '2' ? withCaption(one, { text: 'mine', by: person, at: 6, score: null }) : one,
    )
    const undone = undo(since, history)
    expect(undone.pictures.map(captionOf)).toEqual(['A red Cat', 'mine', ''])
    expect(undone.pictures[0]).toEqual(pictures[0])
    expect(redo(undone.pictures, undone.history).pictures.map(captionOf)).toEqual(['A red Cat!', 'mine', ''])
  })

  it('are taken back though a score or a run has come since, and that stays', () => {
    const after = applyChanges(pictures, planEdit(pictures, { kind: 'suffix', text: '!' }), 'suffix', 5)
    const history = remember(NO_HISTORY, { id: '1', name: 'suffix' }, pictures, after)
    const since = after.map((one) => ({ ...one, run: 'later', match: 0.5 }))
    const undone = undo(since, history)
    expect(undone.pictures.map(captionOf)).toEqual(['A red Cat', 'a dog', ''])
    expect(undone.pictures[0]).toMatchObject({ run: 'later', match: null })
    expect(redo(undone.pictures, undone.history).pictures.map(captionOf)).toEqual([
      'A red Cat!',
      'a dog!',
      '',
    ])
  })

  it('leave a caption alone that changed behind the plan', () => {
    const changes = planEdit(pictures, { kind: 'suffix', text: '!' })
    const moved = [captioned('1', 'other'), ...pictures.slice(1)]
    expect(applyChanges(moved, changes, 'suffix', 5).map(captionOf)).toEqual(['other', 'a dog!', ''])
  })
})

it('Filters take what they say, and its opposite', () => {
  const failed = { ...uncaptioned('f'), failure: { code: 'bad-image', message: 'No.' } as const }
  const pictures = [captioned('1', 'a red cat', -0.2), captioned('2', 'a dog', -2), uncaptioned('3'), failed]
  const paths = (...filters: Filter[]): string =>
    filtered(pictures, filters)
      .map(({ path }) => path)
      .join('')
  expect(paths({ kind: 'pattern', find: 'CAT|dog$' })).toBe('12')
  expect(paths({ kind: 'missing' })).toBe('3f')
  expect(paths({ kind: 'failed' })).toBe('f')
  expect(paths({ kind: 'not', filter: { kind: 'missing' } })).toBe('12')
  expect(paths({ kind: 'length', of: 'words', atLeast: 3, atMost: 9 })).toBe('1')
  expect(paths({ kind: 'score', of: 'caption', atLeast: -1, atMost: 0 })).toBe('1')
  expect(paths({ kind: 'missing' }, { kind: 'failed' })).toBe('f')
})

it.each([
  ['cat RED', '1'],
  ['"red cat"', '1'],
  ['"cat red"', ''],
  ['"a red', '1'],
  ['"red a', ''],
  ['-red', '23'],
  ['a -"red cat"', '2'],
  ['a$', ''],
  ['path:more', '23'],
  ['-path:"b/2"', '13'],
  ['""', '123'],
  ['-', '3'],
])('A search for %s finds %s', (query, found) => {
  const pictures = [
    captioned('1', 'a red cat'),
    captioned('b/2 more', 'a dog'),
    captioned('more/3', 'well-known'),
  ]
  const shown = filtered(pictures, [{ kind: 'words', query }]).map(({ path }) => /\d/.exec(path)?.[0])
  expect(shown.join('')).toBe(found)
})

it('What stands for something of a picture is filled in, and nothing else', () => {
  const text = '{folder}/{name}: {caption} {other} {caption}'
  const of = { root: 'cats', caption: ' $& {name} ' }
  expect(filledIn(text, { ...of, path: 'a/b/c.d.jpg' })).toBe('b/c.d: $& {name} {other} $& {name}')
  expect(filledIn('{folder}', { ...of, path: 'c.jpg' })).toBe('cats')
})

it('Lengths are counted as people count, and CLIP’s tokens are estimated', () => {
  expect(COUNTS.characters('two cats 👨‍👩‍👧')).toBe(10)
  expect(COUNTS.words('two cats 👨‍👩‍👧')).toBe(2)
  // Every word of these is a piece of CLIP's vocabulary; the two tokens around the text are included.
  expect(clipTokens('a photo of a cat')).toBe(7)
  expect(clipTokens('two cats laying on a couch with remote controls.')).toBe(12)
})

describe('alternative text', () => {
  it.each([
    ['A red circle.', []],
    ['', ['empty']],
    ['An image of a cat.', ['says-image-of']],
    ['This is a close photo of a cat.', ['says-image-of']],
    ['A photographer of cats.', []],
    ['A cat', ['no-full-stop']],
    ['A cat. A dog.', ['several-sentences']],
    [`${'x'.repeat(125)}.`, ['too-long']],
    [`${'x'.repeat(124)}.`, []],
  ])('%j: %j', (text, problems) => {
    expect(altTextProblems(text)).toEqual(problems)
  })

  it.each([
    ['a picture of a red circle', 'A red circle.'],
    ['two cats, a couch. And more', 'Two cats, a couch.'],
    ['what is it?', 'What is it?'],
    ['  ', ''],
  ])('from %j is %j', (caption, altText) => {
    expect(altTextFrom(caption)).toBe(altText)
    if (altText !== '') expect(altTextProblems(altText)).toEqual([])
  })
})

describe('duplicates', () => {
  it('by text do not look at capitals and full stops', () => {
    const groups = sameCaptions([
      captioned('1', 'A cat.'),
      captioned('2', 'a  cat'),
      captioned('3', 'a dog'),
      uncaptioned('4'),
      uncaptioned('5'),
    ])
    expect(groups.map((group) => group.map(({ path }) => path))).toEqual([['1', '2']])
  })

  it('by picture are found though one is larger and a little brighter', () => {
    const picture = (side: number, shift: number, bright: number) => ({
      width: side,
      height: side,
      data: Uint8Array.from({ length: 3 * side * side }, (_, i) => {
        const [x, y] = [Math.floor(i / 3) % side, Math.floor(i / 3 / side)]
        return 100 + bright + 80 * Math.sin((9 * x) / side + shift) * Math.cos((7 * y) / side + 2 * shift)
      }),
    })
    const prints = new Map([
      ['small', pictureHash(picture(64, 0, 0))],
      ['large', pictureHash(picture(160, 0, 12))],
      ['other', pictureHash(picture(64, 2, 0))],
    ])
    expect(prints.get('small')).toMatch(/^[0-9a-f]{16}$/)
    expect(samePictures(prints)).toEqual([['small', 'large']])
  })
})

describe('shares', () => {
  it('are every picture once, and stay what they are when others come', () => {
    const paths = Array.from({ length: 4000 }, (_, i) => `folder ${i % 7}/img${i}.png`)
    const counts = Array.from(
      { length: 16 },
      (_, i) => paths.filter((path) => isInShard(path, { number: i + 1, of: 16 })).length,
    )
    expect(counts.reduce((sum, count) => sum + count)).toBe(paths.length)
    for (const count of counts) expect(Math.abs(count - 250)).toBeLessThan(60)
    const share = parseShard('3/16')
    expect(isInShard('a/photo.jpg', share)).toBe(isInShard('a/photo.png', share))
    expect(isInShard('é.png', share)).toBe(isInShard('e\u0301.png', share))
  })

  it.each(['0/3', '4/3', '3', '1/0', '1.5/2', 'a/b', '1/9999999'])('%s is none', (text) => {
    expect(() => parseShard(text)).toThrow(expect.objectContaining({ code: 'bad-usage' }))
  })
})

it('Names are sorted folder by folder as people do, and what systems leave is known', () => {
  expect(['b/1', 'a/img10', 'a b/x', 'a/img2'].sort(comparePaths)).toEqual([
    'a/img2',
    'a/img10',
    'a b/x',
    'b/1',
  ])
  const alike = ['A/1', 'A/2', 'E', 'a', 'a/1', 'e', 'é', '02', '2']
  for (const one of alike)
    for (const other of alike) {
      const order = Math.sign(comparePaths(one, other))
      expect(order, `${one} and ${other}`).toBe(one === other ? 0 : -Math.sign(comparePaths(other, one)))
      if (one !== other) expect(order).not.toBe(0)
    }
  expect(['a/._x.png', '.DS_Store', 'a/Thumbs.db', '@eaDir/x.png', 'x.png'].map(isLeftover)).toEqual([
    true,
    true,
    true,
    true,
    false,
  ])
})
