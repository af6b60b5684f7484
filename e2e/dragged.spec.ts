import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { expect, test, type AppPage } from './fixtures.ts'

const ORIGIN = 'https://pictures.example'

/** As browsers report a picture that is dragged here from another tab: markup and an address, and no file. */
async function dragFromAnotherTab(page: Page, address: string): Promise<void> {
  const transfer = await page.evaluateHandle((url) => {
    const data = new DataTransfer()
    data.setData('text/uri-list', 'https://pictures.example/page.html')
    data.setData('text/html', `<a href="/page.html"><img alt="" src="${url}"></a>`)
    return data
  }, address)
  for (const event of ['dragover', 'drop'])
    await page.getByRole('main').dispatchEvent(event, { dataTransfer: transfer })
}

test('Users can drag a picture from another tab, drop a folder or paste by a button, and are told where something cannot be had', async ({
  app,
  page,
  expected,
}, info) => {
  expected.origins.push(ORIGIN)
  expected.errors.push(/blocked by CORS policy/, /ERR_FAILED/)
  const body = readFileSync('testing/images/good-rgb.png')
  const open = { 'access-control-allow-origin': '*' }
  const closed = { 'access-control-allow-origin': 'https://elsewhere.example' }
  await page.route(`${ORIGIN}/*.png`, (route) =>
    route.fulfill({
      contentType: 'image/png',
      body,
      headers: route.request().url().includes('open') ? open : closed,
    }),
  )
  await page.goto('/?provider=wasm')
  await expect(page.getByRole('button', { name: 'Choose pictures, or drop them here' })).toBeVisible()
  await dragFromAnotherTab(page, `${ORIGIN}/closed.png`)
  const note = page.getByRole('group', { name: 'Note' })
  await expect(note).toContainText(
    'The server at pictures.example does not let other pages read this picture',
  )
  await expect(app.list.getByRole('link')).toHaveCount(0)
  await dragFromAnotherTab(page, `${ORIGIN}/open.png`)
  await expect(page.getByRole('button', { name: 'Open open.png large' })).toBeVisible()
  await expect(app.list.getByRole('link')).toHaveCount(1)

  // From here on nothing of the kind is expected.
  expected.origins.length = 0
  expected.errors.length = 0
  await app.startAnew()
  await test.step('a folder of pictures with all that lies about in it', () =>
    dropFolder(app, info.outputPath('holiday')))
  await app.startAnew()
  await test.step('a button for what was copied, for those without keys to paste with', () =>
    pasteByButton(app))
})

async function dropFolder(app: AppPage, folder: string): Promise<void> {
  mkdirSync(folder)
  for (const name of ['img10.png', 'img2.png'])
    copyFileSync('testing/images/good-rgb.png', join(folder, name))
  for (const name of ['.DS_Store', 'Thumbs.db', 'desktop.ini', '._img2.png', 'notes.txt', 'config.json'])
    writeFileSync(join(folder, name), '{}')
  const devtools = await app.page.context().newCDPSession(app.page)
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    const data = { items: [], files: [folder], dragOperationsMask: 1 }
    await devtools.send('Input.dispatchDragEvent', { type, x: 200, y: 200, data })
  }
  await expect(app.page.getByRole('group', { name: 'Note' })).toContainText('6 files')
  await app.finished(0)
  await app.finished(1)
  await expect(app.answer(0)).toHaveAccessibleName('img2.png')
  await expect(app.answer(1)).toHaveAccessibleName('img10.png')
}

async function pasteByButton(app: AppPage): Promise<void> {
  const { page } = app
  const paste = page.getByRole('button', { name: 'Paste', exact: true })
  const note = page.getByRole('group', { name: 'Note' })
  const failsWith = (name: string): Promise<void> =>
    page.evaluate((reason) => {
      const failed = (): Promise<never> => Promise.reject(new DOMException('Not read.', reason))
      Object.defineProperty(navigator.clipboard, 'read', { configurable: true, value: failed })
    }, name)
  await failsWith('NotAllowedError')
  await paste.click()
  await expect(note).toContainText('does not let this page read the clipboard')
  await failsWith('DataError')
  await paste.click()
  await expect(note).toContainText('What was copied could not be read')
  await page.evaluate(() => Reflect.deleteProperty(navigator.clipboard, 'read'))
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.evaluate(() => navigator.clipboard.writeText('a cat'))
  await paste.click()
  await expect(note).toContainText('There is no picture in the clipboard')
  await page.evaluate(
    async (bytes) => {
      const png = new Blob([new Uint8Array(bytes)], { type: 'image/png' })
      await navigator.clipboard.write([new ClipboardItem({ 'image/png': png })])
    },
    [...readFileSync('testing/images/good-rgb.png')],
  )
  await paste.click()
  await app.finished('Pasted picture')
}
