import { expect, test } from './fixtures.ts'

const REFUSED = {
  'bad-empty.png': /empty/,
  'bad-truncated.png': /cut off/,
  'bad-truncated.jpg': /cut off/,
  'bad-text.jpg': /not a picture/,
  'bad-script.svg': /SVG/,
  'bad-huge.png': /too large/,
  'bad-photo.heic': /HEIC/,
}

const READ = [
  'good-exif6.jpg',
  'good-cmyk.jpg',
  'good-rgb16.png',
  'good-animated.gif',
  'good-alpha.png',
  'good-palette.png',
  'good-grey.png',
]

test('Users are told in one sentence why a file cannot be used, and can go on', async ({ app }) => {
  await app.open()
  await app.choose(
    ...Object.keys(REFUSED).map((name) => `testing/images/${name}`),
    'testing/images/good-rgb.png',
  )
  for (const [index, sentence] of Object.values(REFUSED).entries())
    await expect(app.answer(index)).toContainText(sentence)
  await app.finished(Object.keys(REFUSED).length)
})

test('Users can use pictures of every common kind', async ({ app }) => {
  await app.open()
  await app.choose(...READ.map((name) => `testing/images/${name}`))
  for (const index of READ.keys()) await app.finished(index)
})
