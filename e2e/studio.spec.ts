import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Page } from '@playwright/test'
import { chooseOwnFolder } from '../testing/kills/saved.ts'
import { expect, test, type AppPage } from './fixtures.ts'
import { expectNoOverflow, expectNoViolations } from './violations.ts'

const PICTURES = [
  ...['bad-empty.png', 'bad-photo.heic', 'bad-text.jpg', 'bad-truncated.jpg'],
  ...['good-alpha.png', 'good-cmyk.jpg', 'good-exif6.jpg', 'good-grey.png', 'good-rgb.jpg', 'good-rgb.webp'],
]

/** Puts files into the folder that the page's picker gives. */
async function fill(page: Page, files: Record<string, Buffer | string>): Promise<void> {
  const contents = Object.entries(files).map(([path, content]) => [path, [...Buffer.from(content)]] as const)
  await page.evaluate(async (contents) => {
    const { showDirectoryPicker } = window as unknown as {
      showDirectoryPicker: () => Promise<FileSystemDirectoryHandle>
    }
    const root = await showDirectoryPicker()
    for (const [path, bytes] of contents) {
      const names = path.split('/')
      const name = names.pop() ?? ''
      let folder = root
      for (const one of names) folder = await folder.getDirectoryHandle(one, { create: true })
      const file = await (await folder.getFileHandle(name, { create: true })).createWritable()
      await file.write(new Uint8Array(bytes))
      await file.close()
    }
  }, contents)
}

async function textOf(page: Page, name: string): Promise<string> {
  return page.evaluate(async (name) => {
    const { showDirectoryPicker } = window as unknown as {
      showDirectoryPicker: () => Promise<FileSystemDirectoryHandle>
    }
    const file = await (await showDirectoryPicker()).getFileHandle(name)
    return (await file.getFile()).text()
  }, name)
}

/** What is done with many pictures is folded on a phone, where pictures come first. */
async function unfold(page: Page): Promise<void> {
  const picture = page.getByRole('region', { name: 'Pictures' }).getByRole('button').first()
  expect((await picture.boundingBox())?.y).toBeLessThan((page.viewportSize()?.height ?? 0) * 0.7)
  const fold = page.getByRole('button', { name: 'Filters and tools' })
  await fold.click()
  await expect(fold).toHaveAttribute('aria-expanded', 'true')
}

test('Users can caption a folder, correct it with the keyboard, and write it back', async ({ app, page }) => {
  await chooseOwnFolder(page)
  await page.goto('/?provider=wasm#/studio')
  await app.ready()
  const pictures = PICTURES.map((name) => [name, readFileSync(`testing/images/${name}`)] as const)
  const copies = [1, 2, 10].map(
    (i) => [`more/img${i}.png`, readFileSync('testing/images/good-rgb.png')] as const,
  )
  await fill(page, {
    ...Object.fromEntries([...pictures, ...copies]),
    'more/img2.txt': 'two cats',
    '.DS_Store': '',
    'Thumbs.db': '',
  })
  await page.getByRole('button', { name: 'Open a folder' }).click()
  await expect(page.getByText('13 pictures · 1 captioned')).toContainText('3 other files left aside')
  await page.getByRole('button', { name: 'Caption 12 pictures' }).click()
  await expect(page.getByText('9 captioned, 0 accepted, 0 edited, 4 failed')).toBeVisible()
  const cells = page.getByRole('region', { name: 'Pictures' }).getByRole('button')
  await expect(cells.nth(1)).toContainText('HEIC pictures cannot be read here')
  await expect(cells.nth(8)).toContainText('a red circle')
  // Where the browser draws what is only seen when it is scrolled to.
  await expectNoViolations(page)

  await test.step('one by one', async () => {
    await cells.nth(8).click()
    await expect(page.getByRole('img', { name: 'The picture good-rgb.jpg' })).toBeVisible()
    await page.keyboard.press('e')
    await page.getByRole('textbox', { name: 'Caption' }).fill('my circle')
    await page.keyboard.press('Enter')
    await page.keyboard.press('ArrowRight')
    await expect(page.getByRole('heading', { name: 'good-rgb.webp' })).toBeVisible()
    await page.keyboard.press('Enter')
    await expect(page.getByRole('heading', { name: 'more/img1.png' })).toBeVisible()
    await page.keyboard.press('r')
    await page.keyboard.press('k')
    await expect(page.getByText(/· accepted ·/)).toBeVisible()
    await page.setViewportSize({ width: 393, height: 851 })
    await page.emulateMedia({ colorScheme: 'dark' })
    await expectNoViolations(page)
    await expectNoOverflow(page)
    // What lies over it takes the keys, and Escape closes that alone.
    await page.keyboard.press('?')
    await expect(page.getByRole('dialog')).toBeVisible()
    await page.keyboard.press('g')
    await page.keyboard.press('Escape')
    await expect(page.getByRole('dialog')).toHaveCount(0)
    await page.getByRole('button', { name: 'Alternative texts' }).click()
    await page.getByRole('button', { name: 'Make it from the caption' }).click()
    await expect(page.getByRole('textbox', { name: 'Alternative text' })).not.toHaveValue('')
    await expectNoViolations(page)
    await expectNoOverflow(page)
    await page.getByRole('button', { name: 'Captions', exact: true }).click()
    await page.keyboard.press('g')
    await expect(page.getByRole('button', { name: /^good-rgb\.webp/ })).toBeFocused()
    await expect(page.getByText('9 captioned, 2 accepted, 1 edited, 4 failed')).toBeVisible()
  })

  await test.step('many at once', async () => {
    await unfold(page)
    await page.getByText('Change many captions').click()
    await page.getByLabel('Find', { exact: true }).fill('red (circle)')
    await page.getByRole('checkbox', { name: 'Regular expression' }).last().check()
    await page.getByLabel('Replace by').fill('scarlet $1')
    await expect(page.getByRole('region', { name: 'Changes' })).toContainText('a scarlet circle')
    await page.getByRole('button', { name: /^Change \d captions$/ }).click()
    await expect(page.getByText('of 13 captions would change').first()).toContainText(/^0 /)
    await page.getByRole('button', { name: /^Undo/ }).click()
    await expect(page.getByText('of 13 captions would change').first()).not.toContainText(/^0 /)
  })

  await test.step('out', async () => {
    await page.getByText('Export', { exact: true }).click()
    await page.getByRole('button', { name: /^Write into the folder/ }).click()
    await expect(page.getByText('9 files written')).toBeVisible()
    expect(await textOf(page, 'good-rgb.txt')).toBe('my circle\n')
    // It is called as another picture but for the ending.
    expect(await textOf(page, 'good-rgb.webp.txt')).toContain('circle')
    await page
      .getByRole('combobox', { name: /^As\b/ })
      .selectOption('Hugging Face ImageFolder (metadata.jsonl)')
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: /^Save as ZIP/ }).click()
    const zip = readFileSync(await (await download).path()).toString('latin1')
    expect(zip).toContain('{"file_name":"good-rgb.jpg","text":"my circle"}')
    for (const closed of ['How pictures are captioned', 'Lengths, score, regular expressions', 'Duplicates'])
      await page.getByText(closed, { exact: true }).click()
    await page.getByRole('button', { name: 'Compare pictures' }).click()
    await expect(page.getByText(/there more than once$/)).toBeVisible()
    await expectNoViolations(page)
  })

  await test.step('into the pictures themselves', async () => {
    await page
      .getByRole('combobox', { name: /^As\b/ })
      .selectOption('Inside JPEG, PNG and WebP files (XMP, EXIF, IPTC)')
    await page.getByRole('button', { name: /^Write into the folder/ }).click()
    const before = await textOf(page, 'good-rgb.jpg')
    await page.getByRole('button', { name: 'Change the files' }).click()
    await expect(page.getByText('9 files written')).toBeVisible()
    const after = await textOf(page, 'good-rgb.jpg')
    expect([before, after].map((text) => text.split('my circle').length - 1)).toEqual([0, 3])
    await expect(textOf(page, 'good-rgb.jpg.pictalk-original')).rejects.toThrow('NotFoundError')
  })

  await test.step('later', async () => {
    await page.reload()
    const folder = page.getByRole('list').getByRole('button').first()
    await folder.click()
    await expect(page.getByText('9 captioned, 2 accepted, 1 edited, 4 failed')).toBeVisible()
    expect(basename(page.url())).toBe('studio')
    // What was taken back on the visit before is done again.
    await unfold(page)
    await page.getByText('Change many captions').click()
    await page.getByRole('button', { name: 'Redo' }).click()
    await expect(cells.nth(9)).toContainText('a scarlet circle')
    await page.getByRole('button', { name: /^Undo/ }).click()
    await expect(cells.nth(9)).toContainText('a red circle')
  })
})

/** Pictures that come while others are being chosen take nothing from those. */
async function chooseWhileOthersCome(app: AppPage): Promise<void> {
  const { page } = app
  const chooser = page.waitForEvent('filechooser')
  await page.getByRole('button', { name: 'Choose pictures', exact: true }).click()
  const choosing = await chooser
  await app.drop('testing/images/good-palette.png', 'image/png')
  await expect(page.getByRole('button', { name: /^good-palette\.png/ })).toBeVisible()
  await choosing.setFiles('testing/images/good-rgb.png')
  await expect(page.getByRole('button', { name: /^good-rgb\.png/ })).toBeVisible()
}

test('Users get the pictures that they were choosing while others were dropped on the studio, and can drop a folder with folders in it', async ({
  app,
  page,
}, info) => {
  const folder = info.outputPath('holiday')
  mkdirSync(join(folder, 'summer'), { recursive: true })
  for (const name of ['img10.png', 'summer/img2.png', 'summer/img2.jpg'])
    copyFileSync('testing/images/good-rgb.png', join(folder, name))
  for (const name of ['.DS_Store', 'summer/img2.txt']) writeFileSync(join(folder, name), 'a red circle')
  // Nobody is there to allow a folder of the computer: none is handed over, then one of the browser's own.
  await chooseOwnFolder(page)
  await page.goto('/?provider=wasm#/studio')
  await app.ready()
  await chooseWhileOthersCome(app)
  await page.evaluate(() => {
    const handed = { getAsFileSystemHandle: () => Promise.resolve(null) }
    Object.assign(DataTransferItem.prototype, handed)
  })
  await fill(page, { 'a.png': readFileSync('testing/images/good-rgb.png'), 'a.txt': 'mine' })
  const devtools = await page.context().newCDPSession(page)
  const drop = async (): Promise<void> => {
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
      const data = { items: [], files: [folder], dragOperationsMask: 1 }
      await devtools.send('Input.dispatchDragEvent', { type, x: 200, y: 200, data })
    }
  }
  await drop()
  await expect(page.getByRole('heading', { name: 'holiday' })).toBeVisible()
  await expect(page.getByText('3 pictures · 1 captioned')).toContainText('2 other files left aside')
  await expect(page.getByText('called as another one but for the ending')).toBeVisible()

  await test.step('a picture that a filter let go of does not take the focus when it comes back', async () => {
    const which = page.getByRole('combobox', { name: 'Pictures', exact: true })
    await which.selectOption('without a caption')
    await page.getByRole('button', { name: /^img10\.png/ }).click()
    await page.keyboard.press('e')
    await page.getByRole('textbox', { name: 'Caption' }).fill('mine, too')
    await page.keyboard.press('Enter')
    await page.keyboard.press('g')
    await expect(page.getByText('1 of 3 shown.')).toBeVisible()
    await which.focus()
    await which.selectOption('all')
    await expect(page.getByRole('button', { name: /^img10\.png/ })).toContainText('mine, too')
    await expect(which).toBeFocused()
  })

  await page.getByRole('button', { name: 'Close the folder' }).click()
  await expect(page.getByRole('heading', { name: 'holiday' })).toHaveCount(0)
  // The focus is not lost with the button, and a question begins at what keeps.
  await expect(page.getByRole('button', { name: 'Open a folder' })).toBeFocused()
  await page.getByRole('button', { name: 'Let go of the captions of holiday' }).click()
  await expect(page.getByRole('button', { name: 'Keep them' })).toBeFocused()
  await page.keyboard.press('Enter')
  await page.evaluate(() => {
    const { showDirectoryPicker } = window as unknown as {
      showDirectoryPicker: () => Promise<FileSystemDirectoryHandle>
    }
    Object.assign(DataTransferItem.prototype, { getAsFileSystemHandle: showDirectoryPicker })
  })
  await drop()
  await expect(page.getByText('One picture · 1 captioned')).toBeVisible()
  await page.getByText('Export', { exact: true }).click()
  await page.getByRole('combobox', { name: /^As\b/ }).selectOption('Text beside each picture (.caption)')
  await page.getByRole('button', { name: /^Write into the folder/ }).click()
  await expect(page.getByText('One file written')).toBeVisible()
  expect(await textOf(page, 'a.caption')).toBe('mine\n')
})
