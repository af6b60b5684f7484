import { readFileSync } from 'node:fs'
import type { Page } from '@playwright/test'
import { expect, test, type AppPage } from './fixtures.ts'
import { expectNoViolations } from './violations.ts'

const PICTURE = readFileSync('testing/images/good-rgb.png').toString('base64')
const TURNS = 5000
/** Blocks that can be near a screen of 800 pixels: a few of 25 turns. */
const MOST_IN_PAGE = 150
/** Past the end of a block, and well into the next. */
const TABBED = 30

/** An export of one conversation of so many turns about a picture. */
function exportOf(name: string, turns: number): { name: string; mimeType: string; buffer: Buffer } {
  const answer = { status: 'done', text: 'two things', tokenIds: [5, 6], answers: [], facts: {} }
  const conversation = {
    id: name,
    changedAt: 1,
    pictures: [{ id: 'picture', name }],
    turns: Array.from({ length: turns }, (_, i) => ({
      id: `${i}`,
      parent: i === 0 ? null : `${i - 1}`,
      question: i === 0 ? null : `question ${i}?`,
      answers: { picture: answer },
    })),
    chosen: {},
  }
  const pictures = [{ id: 'picture', type: 'image/png', base64: PICTURE }]
  const text = JSON.stringify({
    format: 'pictalk-conversations',
    version: 1,
    conversations: [conversation],
    pictures,
  })
  return { name: `${name}.json`, mimeType: 'application/json', buffer: Buffer.from(text) }
}

async function bring(app: AppPage, file: ReturnType<typeof exportOf>): Promise<void> {
  const chooser = app.page.waitForEvent('filechooser')
  await app.list.getByRole('button', { name: 'Import' }).click()
  await (await chooser).setFiles(file)
}

/** Waits until the page has stayed where it is for half a second: a glide may go on behind what began it. */
function rest(page: Page): Promise<void> {
  return page.evaluate(
    () =>
      new Promise<void>((resolve) => {
        let { scrollY } = window
        let since = Infinity
        const look = (now: number): void => {
          since = window.scrollY === scrollY ? Math.min(since, now) : Infinity
          scrollY = window.scrollY
          if (now - since > 500) resolve()
          else requestAnimationFrame(look)
        }
        requestAnimationFrame(look)
      }),
  )
}

/** Home, End, pages and Tab, in a conversation whose last turn is in sight. */
async function moveByKeyboard(app: AppPage): Promise<void> {
  const { page } = app
  await app.conversation.focus()
  const height = await page.evaluate(() => document.documentElement.scrollHeight)
  const toNewest = page.getByRole('button', { name: 'Go to the newest answer' })
  await expect(toNewest).toHaveCount(0)
  await page.keyboard.press('Control+Home')
  await expect(app.answer('long')).toBeInViewport()
  await toNewest.click()
  await expect(app.answer(`long: question ${TURNS - 1}?`)).toBeInViewport()
  await expect(toNewest).toHaveCount(0)
  await expect(app.conversation).toBeFocused()
  // A draft of several lines hides the end of it, where nothing brings that back.
  await rest(page)
  const draft = page.getByRole('textbox', { name: 'Ask about the image' })
  await draft.fill('and then?\n'.repeat(8))
  // Without a pointer, for which what is stuck to the edge would be scrolled to where it stands in the flow: the end.
  await toNewest.dispatchEvent('click')
  await expect(toNewest).toHaveCount(0)
  await draft.fill('')
  await app.conversation.focus()
  await page.keyboard.press('Control+Home')
  await expect(app.answer('long')).toBeInViewport()
  await expect(app.answer('long')).toContainText('two things')
  await expect.poll(() => app.conversation.getByRole('article').count()).toBeLessThan(MOST_IN_PAGE)
  for (let presses = 0; presses < 30; presses += 1) await page.keyboard.press('PageDown')
  // What is on the screen is drawn, whatever part it is.
  const drawnAt = (): Promise<number> =>
    page.evaluate(
      () =>
        Array.from({ length: 50 }, (_, i) => document.elementFromPoint(600, 100 + 10 * i)).filter(
          (element) => element?.closest('.turn') != null,
        ).length,
    )
  // Between two turns there is a gap.
  await expect.poll(drawnAt).toBeGreaterThan(25)
  await page.keyboard.press('Control+Home')
  // Scrolling would carry away what has the focus.
  await rest(page)
  expect(await page.evaluate(() => window.scrollY)).toBe(0)
  // Tab never falls into a gap between what is drawn and what is not.
  const edit = (turn: number): ReturnType<typeof page.getByRole> =>
    app.conversation.getByRole('button', { name: `Edit question: question ${turn}?`, exact: true })
  await edit(1).focus()
  for (let turn = 1; turn <= TABBED; turn += 1) {
    await expect(edit(turn)).toBeFocused()
    await expect(edit(turn)).toBeInViewport()
    for (const next of [/^Copy$/, /^Write another/, /^Remove/, /^About/, /^Edit/]) {
      await page.keyboard.press('Tab')
      await expect(page.locator(':focus')).toHaveAccessibleName(next)
    }
  }
  await expectNoViolations(page)
  // What is being written in an editor is still there after a look elsewhere.
  await page.keyboard.press('Enter')
  await page.keyboard.press('End')
  await page.keyboard.type(' and then')
  await page.keyboard.press('Tab')
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur())
  await page.keyboard.press('Control+End')
  await expect(app.answer(`long: question ${TURNS - 1}?`)).toBeInViewport()
  await expect(page.getByRole('textbox', { name: 'Edit the question' })).toHaveValue(
    `question ${TABBED + 1}? and then`,
  )
  expect(height).toBeGreaterThan(100_000)
}

test('Users can go on with a conversation of 5,000 turns and move through it by keyboard as with a short one, and are told when a file holds more', async ({
  app,
  page,
}) => {
  await app.open('?provider=wasm')
  await test.step('more than the page takes: nothing of it is added', async () => {
    await bring(app, exportOf('endless', 60_000))
    await expect(
      page.getByRole('main').getByText(/60,000 turns in one conversation, and 10,000 are the most/),
    ).toBeVisible()
    await expect(app.list).toContainText('No conversations yet.')
    await page.reload()
    await app.ready()
    await expect(app.list).toContainText('No conversations yet.')
  })

  await bring(app, exportOf('long', TURNS))
  await expect(app.answer(`long: question ${TURNS - 1}?`)).toBeInViewport()
  const articles = app.conversation.getByRole('article')
  await expect.poll(() => articles.count()).toBeLessThan(MOST_IN_PAGE)
  await test.step('moved through by keyboard', () => moveByKeyboard(app))
  await app.ask('is there a cat?')
  await app.finished('long: is there a cat?')
  await app.ask('is there a dog?')
  await app.finished('long: is there a dog?')
  await expect(app.answer('long: is there a dog?')).toBeInViewport()
  await expectNoViolations(page)

  await page.reload()
  await app.ready()
  await expect(app.answer('long: is there a dog?')).toBeInViewport()
  await expect.poll(() => articles.count()).toBeLessThan(MOST_IN_PAGE)
})
