import { expect, test } from './fixtures.ts'

const PICTURE = 'testing/images/good-rgb.png'

test('Users are told when the browser does not let the page copy, or has no clipboard', async ({
  app,
  page,
}) => {
  await app.open('?provider=wasm')
  await app.choose(PICTURE)
  await app.finished(0)
  const copy = app.conversation.getByRole('button', { name: 'Copy' })
  for (const clipboard of [{ writeText: 'refused' }, undefined]) {
    await page.evaluate((refusing) => {
      const value = refusing && {
        writeText: () => Promise.reject(new DOMException('No.', 'NotAllowedError')),
      }
      Object.defineProperty(navigator, 'clipboard', { value, configurable: true })
    }, clipboard)
    await copy.click()
    const remark = page.getByRole('group', { name: 'Note' })
    await expect(remark).toContainText('does not let this page copy')
    await remark.getByRole('button', { name: 'Dismiss' }).click()
    await expect(remark).toHaveCount(0)
  }
})

test('Users are told of a failure that nobody waited for, and every test hears of it', async ({
  app,
  page,
  expected,
}) => {
  const heard: string[] = []
  page.on('pageerror', (error) => heard.push(error.message))
  expected.errors.push(/forgotten/)
  await app.open('?provider=wasm')
  await page.evaluate(() => void Promise.reject(new Error('forgotten')))
  await expect(page.getByRole('main').getByText(/unexpected went wrong: forgotten/)).toBeVisible()
  // What the fixture listens to includes rejected promises.
  expect(heard).toEqual(['forgotten'])
})

test('Users are told when an export cannot be made', async ({ app, page }) => {
  await app.open('?provider=wasm')
  await app.choose(PICTURE)
  await app.finished(0)
  await page.evaluate(() => {
    URL.createObjectURL = () => {
      throw new RangeError('Invalid string length')
    }
  })
  await app.list.getByRole('button', { name: 'Export all' }).click()
  await expect(page.getByRole('main').getByText(/Invalid string length/)).toBeVisible()
})
