import type { Page } from '@playwright/test'
import { expect, test } from './fixtures.ts'

test.use({ locale: 'zh-CN' })

/**
 * Texts in sight that read as English and are not marked so: by words that no name has, and no Chinese sentence outside of
 * quotation marks.
 */
function unmarkedEnglish(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const english = /\b(?:the|of|is|are|was|and|to|not|no|it|that|this|you|your|an?|be|by|there)\b/i
    const found: string[] = []
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (texts.nextNode() !== null) {
      const { nodeValue, parentElement } = texts.currentNode
      if (nodeValue === null || parentElement === null || !parentElement.checkVisibility()) continue
      if (
        parentElement.closest('[lang]')?.getAttribute('lang') !== 'en' &&
        english.test(nodeValue.replaceAll(/“[^”]*”/g, ''))
      )
        found.push(nodeValue.trim())
    }
    return found
  })
}

test('Users who read Chinese find nothing in English but what is marked so', async ({ app, page }) => {
  const expectNone = async (): Promise<void> => expect(await unmarkedEnglish(page)).toEqual([])
  await page.goto('/')
  await expect(app.page.locator('html')).toHaveAttribute('lang', 'zh')
  // Once it is known what photographs would cost here.
  await expect(page.getByText('OPT-175B').locator('..')).toBeVisible()
  const seconds = page.getByText(/每条说明约需/)
  await expect(seconds).toBeVisible()
  // On a phone it is in the first view, with what is here now.
  const before = page.viewportSize()
  await page.setViewportSize({ width: 390, height: 844 })
  for (const said of [page.getByRole('heading', { name: /^练习模型.*就绪/ }), seconds])
    await expect(said).toBeInViewport({ ratio: 1 })
  if (before !== null) await page.setViewportSize(before)
  await expectNone()
  await page
    .getByRole('button', { name: /^示例场景/ })
    .first()
    .click()
  const facts = page.getByRole('button', { name: '关于此回答' })
  await expect(facts).toHaveCount(1)
  await page.getByRole('textbox').last().fill('why?')
  await page.keyboard.press('Enter')
  await expect(facts).toHaveCount(2)
  await facts.first().click()
  await expectNone()
  await page.keyboard.press('Control+,')
  for (const part of ['设置', '此设备']) await page.getByText(part, { exact: true }).click()
  await page.getByLabel('模型的地址').fill(new URL('models/drawn-scenes/', page.url()).href)
  await page.keyboard.press('Enter')
  await expect(page.getByRole('checkbox')).toBeVisible()
  await expectNone()
  const places = [
    ['search', '搜索您的图片'],
    ['studio', '图片说明工作室'],
  ] as const
  for (const [place, name] of places) {
    await page.goto(`/#/${place}`)
    await expect(page.getByRole('heading', { level: 2, name, exact: true })).toBeVisible()
    await expectNone()
  }
})
