import { expect, test } from './fixtures.ts'

/** What no program would take for a picture that can be read here: no conversation begins about it. */
const NO_PICTURES = {
  'bad-empty.png': /bad-empty\.png: .*empty/,
  'bad-text.jpg': /not a picture/,
  'bad-script.svg': /SVG/,
  'bad-photo.heic': /HEIC/,
}

/** Pictures with something wrong in them, which only shows when they are read. */
const REFUSED = {
  'bad-truncated.png': /cut off/,
  'bad-truncated.jpg': /cut off/,
  'bad-huge.png': /too large/,
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

test('Users are told in one sentence why a file cannot be used, and go on with pictures of every common kind', async ({
  app,
}) => {
  await app.open()
  for (const [name, sentence] of Object.entries(NO_PICTURES)) {
    await app.choose(`testing/images/${name}`)
    await expect(app.page.getByRole('main').getByText(sentence)).toBeVisible()
    await app.page.getByRole('button', { name: 'All right' }).click()
  }
  await expect(app.list).toContainText('No conversations yet.')
  await app.choose(
    'testing/images/bad-text.jpg',
    ...Object.keys(REFUSED).map((name) => `testing/images/${name}`),
    'testing/images/good-rgb.png',
  )
  for (const [index, sentence] of Object.values(REFUSED).entries())
    await expect(app.answer(index)).toContainText(sentence)
  await app.finished(Object.keys(REFUSED).length)
  await expect(app.page.getByRole('group', { name: 'Note' })).toContainText('1 file')

  await app.startAnew()
  await app.choose(...READ.map((name) => `testing/images/${name}`))
  for (const index of READ.keys()) await app.finished(index)
})
