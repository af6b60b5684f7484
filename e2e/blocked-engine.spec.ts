import { HOSTILE_QUESTION, hostileFile, type Hostility } from '../testing/hostile-pack.ts'
import { startFaultServer, type FaultServer } from '../testing/servers/fault-server.ts'
import { expect, type Expected } from './fixtures.ts'
import { PACK_FILES, test } from './model-fixtures.ts'
import { hurryPage } from './threads.ts'

const NAME = 'good-rgb.png'

/** Serves the pack that never lets go of its thread. */
async function serveHostile(how: Hostility, { origins }: Expected): Promise<FaultServer> {
  const server = await startFaultServer((path) =>
    ['pack.json', ...PACK_FILES].includes(path) ? hostileFile(path, how) : undefined,
  )
  origins.push(server.origin)
  return server
}

test('Users can leave a model that never comes back from a question, and it does not come back by itself', async ({
  models,
  expected,
}) => {
  const { app, page } = models
  const server = await serveHostile('backtracks', expected)
  try {
    await models.download(server.origin)
    await models.useAndCaption()
    const heading = app.model.getByRole('heading', { level: 2 })
    await expect(heading).toHaveText('Backtracking scenes')
    await app.ask(HOSTILE_QUESTION)
    const answer = app.answer(`${NAME}: ${HOSTILE_QUESTION}`)
    await expect(page.getByRole('button', { name: 'Stop' })).toBeVisible()
    await hurryPage(page)
    await page.getByRole('button', { name: 'Stop' }).click()
    await expect(answer).toContainText('unresponsive')
    await expect(app.model).toContainText('did not stop within 5 seconds')

    await page.reload()
    await app.openSheet()
    await expect(app.model).toContainText('the built-in one was loaded instead')
    await expect(heading).toContainText('Built-in')
    await expect(app.model).toContainText('Runs on')
    await answer.getByRole('button', { name: 'Try again' }).click()
    await app.finished(`${NAME}: ${HOSTILE_QUESTION}`)

    await page.getByRole('button', { name: 'Load it all the same' }).click()
    await expect(heading).toHaveText('Backtracking scenes')
    await expect(app.model).toContainText('Runs on')
    await app.ask(`${HOSTILE_QUESTION} Again?`)
    await expect(page.getByRole('button', { name: 'Stop' })).toBeVisible()
    await hurryPage(page)
    await page.getByRole('button', { name: 'Use: built-in model' }).click()
    await expect(heading).toContainText('Built-in')
    await expect(app.model).toContainText('Runs on')
  } finally {
    await server.close()
  }
})

test('Users can leave a model that is folded for hours while it loads, and it does not load again by itself', async ({
  models,
  expected,
}) => {
  const { app, page } = models
  const server = await serveHostile('folds', expected)
  const heading = app.model.getByRole('heading', { level: 2 })
  try {
    await models.download(server.origin)
    await page.getByRole('button', { name: /^Use it: / }).click()
    await expect(app.model).toContainText(/Fetching|Preparing/)
    // It is noticed by itself that the thread answers nothing any more.
    await expect
      .poll(() => page.evaluate(() => JSON.stringify(localStorage)))
      .toMatch(/unresponsive[^,]*"[0-9a-f]+/)

    await page.reload()
    await app.openSheet()
    await expect(app.model).toContainText('the built-in one was loaded instead')
    await expect(app.model).toContainText('Runs on')
    await page.getByRole('button', { name: 'Load it all the same' }).click()
    await expect(heading).toHaveText('Folding scenes')
    await expect(app.model).toContainText(/Fetching|Preparing/)
    await hurryPage(page)
    await page.getByRole('button', { name: 'Use the built-in model' }).click()
    await expect(heading).toContainText('Built-in')
    await expect(app.model).toContainText('Runs on')
  } finally {
    await server.close()
  }
})
