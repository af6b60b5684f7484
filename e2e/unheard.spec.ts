import { expect, test } from './fixtures.ts'

const PICTURE = 'testing/images/good-rgb.png'

test('Users are told when the page may not copy, when an export cannot be made, and of a failure that nobody waited for, of which every test hears', async ({
  app,
  page,
  expected,
}) => {
  const heard: string[] = []
  page.context().on('weberror', (error) => heard.push(error.error().message))
  await app.open('?provider=wasm')
  await app.choose(PICTURE)
  await app.finished(0)

  await test.step('the browser refuses to copy, or has no clipboard', async () => {
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

  await test.step('nobody waited for it', async () => {
    expected.errors.push(/forgotten/)
    await page.evaluate(() => void Promise.reject(new Error('forgotten')))
    await expect(page.getByRole('main').getByText(/unexpected went wrong: forgotten/)).toBeVisible()
    // What the fixture listens to includes rejected promises.
    expect(heard).toEqual(['forgotten'])
    expected.errors.length = 0
  })

  await test.step('an export', async () => {
    await page.evaluate(() => {
      URL.createObjectURL = () => {
        throw new RangeError('Invalid string length')
      }
    })
    await app.list.getByRole('button', { name: 'Export all' }).click()
    await expect(page.getByRole('main').getByText(/Invalid string length/)).toBeVisible()
  })
})
