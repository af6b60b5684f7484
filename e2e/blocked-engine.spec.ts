import { HOSTILE_QUESTION, hostileFile } from '../testing/hostile-pack.ts'
import { startFaultServer } from '../testing/servers/fault-server.ts'
import { expect } from './fixtures.ts'
import { PACK_FILES, test } from './model-fixtures.ts'

const NAME = 'good-rgb.png'

test('Users can leave a model that never comes back from a question, and it does not come back by itself', async ({
  models,
  expected,
}) => {
  const { app, page } = models
  const server = await startFaultServer((path) =>
    ['pack.json', ...PACK_FILES].includes(path) ? hostileFile(path) : undefined,
  )
  expected.origins.push(server.origin)
  try {
    await models.download(server.origin)
    await models.useAndCaption()
    const heading = app.model.getByRole('heading', { level: 2 })
    await expect(heading).toHaveText('Backtracking scenes')
    await app.ask(HOSTILE_QUESTION)
    const answer = app.answer(`${NAME}: ${HOSTILE_QUESTION}`)
    await page.getByRole('button', { name: 'Stop' }).click()
    await expect(answer).toContainText('unresponsive', { timeout: 15_000 })
    await expect(app.model).toContainText('did not stop within 5 seconds')

    await page.reload()
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
    await page.getByText('Other models').click()
    await page.getByRole('button', { name: 'Use: built-in model' }).click()
    await expect(heading).toContainText('Built-in')
    await expect(app.model).toContainText('Runs on', { timeout: 15_000 })
  } finally {
    await server.close()
  }
})
